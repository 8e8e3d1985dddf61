// On a Unix socket, behind a proxy on the same machine: no port, and the file's mode says who may connect.
//   SOCKET=/run/app/app.sock node examples/unix-socket.mjs
//   curl --unix-socket app.sock http://localhost/
import { chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { WebSocketServer } from '@pulsebeacon/websocket';

const file = path.resolve(process.env.SOCKET ?? 'app.sock');

const http = createServer((request, response) => {
  if (sockets.handleRequest(request, response)) return;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end('The WebSocket is at /echo.\n');
});

const sockets = new WebSocketServer({
  path: '/echo',
  message(connection, data) {
    connection.send(data);
  },
});
sockets.attach(http);

http.listen(file, () => {
  // The proxy's group may connect, others may not.
  chmodSync(file, 0o660);
  // The form that ws and curl understand: the path of the socket, a colon, the path of the request.
  console.log(`ws+unix://${file}:/echo`);
});

// Closing the server removes the file. After a crash it is left over, and listen() says EADDRINUSE: remove it by hand,
// or in the service's start script, where it is known that no other instance runs.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void sockets.close();
  });
}
