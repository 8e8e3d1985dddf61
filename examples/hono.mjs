// Hono, on Node: what is posted to a route goes out to every WebSocket.
//   node examples/hono.mjs
//   curl -d 'hello' http://127.0.0.1:8080/news
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { WebSocketServer } from '@pulsebeacon/websocket';

const live = new WebSocketServer({ path: '/live' });

const app = new Hono();

app.get('/', (c) => c.json({ websocket: '/live', connected: live.connections.size }));

app.post('/news', async (c) => {
  const { sent } = live.broadcast(await c.req.text());
  return c.json({ sent }, 202);
});

const http = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8080), hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}/`),
);
// Without createServer in its options, what serve() makes is a server of node:http.
live.attach(/** @type {import('node:http').Server} */ (http));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void live.close();
  });
}
