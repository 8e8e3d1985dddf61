// An ordinary site and a WebSocket on one port, with nothing but Node.
//   node examples/echo.mjs
import { createServer } from 'node:http';
import { WebSocketServer } from '@pulsebeacon/websocket';

const http = createServer((request, response) => {
  // Whoever opens /echo as a page is told that a WebSocket lives there (426).
  if (sockets.handleRequest(request, response)) return;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`The WebSocket is at /echo. Connected now: ${sockets.connections.size}\n`);
});

const sockets = new WebSocketServer({
  path: '/echo',
  message(connection, data) {
    // A string came as text and goes as text; bytes stay bytes.
    connection.send(data);
  },
});
sockets.attach(http);

http.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});

// Ctrl-C, or a service manager: nobody new comes in, every WebSocket is closed with 1001, and then nothing keeps the
// process alive.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void sockets.close();
  });
}
