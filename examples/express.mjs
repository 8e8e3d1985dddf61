// Express: what is posted to a route goes out to every WebSocket.
//   node examples/express.mjs
//   curl -d 'hello' http://127.0.0.1:8080/news
import express from 'express';
import { WebSocketServer } from '@pulsebeacon/websocket';

const app = express();

app.get('/', (_request, response) => {
  response.json({ websocket: '/live', connected: live.connections.size });
});

app.post('/news', express.text({ type: '*/*' }), (request, response) => {
  const { sent } = live.broadcast(request.body ?? '');
  response.status(202).json({ sent });
});

const live = new WebSocketServer({ path: '/live' });

// Handshakes never pass through the app's middleware: what may connect is for `authorize` to say (authorize.mjs).
const http = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});
live.attach(http);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void live.close();
  });
}
