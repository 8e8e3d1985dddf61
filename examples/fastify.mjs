// Fastify: what is posted to a route goes out to every WebSocket.
//   node examples/fastify.mjs
//   curl --json '{"text":"hello"}' http://127.0.0.1:8080/news
import fastify from 'fastify';
import { WebSocketServer } from '@pulsebeacon/websocket';

const live = new WebSocketServer({ path: '/live' });

const app = fastify();

app.get('/', async () => ({ websocket: '/live', connected: live.connections.size }));

app.post('/news', async (request, reply) => {
  const { sent } = live.broadcast(JSON.stringify(request.body ?? null));
  return reply.code(202).send({ sent });
});

// Before Fastify waits for its connections to end, the WebSockets among them are told to.
app.addHook('preClose', () => live.close());

live.attach(app.server);
console.log(await app.listen({ port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' }));

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void app.close());
