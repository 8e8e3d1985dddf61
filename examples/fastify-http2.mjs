// Fastify with HTTP/2, and HTTP/1.1 on the same port: a page, its requests and its WebSockets in one connection.
//   TLS_CERT=cert.pem TLS_KEY=key.pem node examples/fastify-http2.mjs
// Without the two, openssl makes a certificate for this run; browsers will warn of it.
import fastify from 'fastify';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { certificate } from './certificate.mjs';

const live = new WebSocketServer({
  path: '/live',
  open: (connection) => connection.send(`this WebSocket goes over HTTP/${connection.httpVersion}`),
});

const app = fastify({
  http2: true,
  https: { ...certificate(), allowHTTP1: true },
  // Sessions of HTTP/2 end with the app, and not when their browsers leave.
  forceCloseConnections: true,
});

app.get('/', (request) => {
  const { byHttpVersion } = live.counts();
  return { page: request.raw.httpVersion, websockets: { 1.1: byHttpVersion['1.1'].open, 2: byHttpVersion['2'].open } };
});

// Before Fastify waits for its connections to end, the WebSockets among them are told to.
app.addHook('preClose', () => live.close());

live.attach(app.server);
console.log(await app.listen({ port: Number(process.env.PORT ?? 8443), host: '127.0.0.1' }));

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void app.close());
