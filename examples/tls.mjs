// https: and wss: on one port.
//   TLS_CERT=cert.pem TLS_KEY=key.pem node examples/tls.mjs
// Without the two, openssl makes a certificate for this run; browsers will warn of it.
import { createServer } from 'node:https';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { certificate } from './certificate.mjs';

const https = createServer({ ...certificate(), minVersion: 'TLSv1.2' }, (request, response) => {
  if (sockets.handleRequest(request, response)) return;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end('The WebSocket is at /echo, by wss:.\n');
});

// Attached to an https server, it speaks wss: and compares a page's Origin with https: only.
const sockets = new WebSocketServer({
  path: '/echo',
  message(connection, data) {
    connection.send(data);
  },
});
sockets.attach(https);

https.listen(Number(process.env.PORT ?? 8443), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (https.address());
  console.log(`https://localhost:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    https.close();
    void sockets.close();
  });
}
