// Koa: every WebSocket sees the requests that the application serves, as they happen.
//   node examples/koa.mjs
import Koa from 'koa';
import { WebSocketServer } from '@pulsebeacon/websocket';

const app = new Koa();

app.use(async (ctx, next) => {
  const start = performance.now();
  await next();
  const took = Math.round(performance.now() - start);
  requests.broadcast(JSON.stringify({ method: ctx.method, path: ctx.path, status: ctx.status, took }));
});

app.use((ctx) => {
  // Koa answers 404 by itself where the body stays unset.
  if (ctx.path === '/') ctx.body = { websocket: '/requests', connected: requests.connections.size };
});

const requests = new WebSocketServer({ path: '/requests' });

const http = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});
requests.attach(http);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void requests.close();
  });
}
