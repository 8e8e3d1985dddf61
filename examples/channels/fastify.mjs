// Fastify: live channels beside an application's routes, on one port.
//   node examples/channels/fastify.mjs
//   curl -N 'http://127.0.0.1:8080/live/channels/orders?follow'
//   curl --json '{"order":"a pizza"}' http://127.0.0.1:8080/orders
import fastify from 'fastify';
import { Hub } from '@pulsebeacon/hub';

// Everybody may follow orders; the server alone publishes them.
const hub = new Hub({ namespaces: [{ match: 'orders', publish: 'nobody' }] });
const orders = hub.channel('orders');

const app = fastify();

app.get('/', async () => ({ channel: '/live/channels/orders', connected: hub.clients.size }));

app.post('/orders', async (request, reply) => {
  const { position, reach } = await orders.publish(request.body ?? null, { reach: true });
  return reply.code(202).send({ position, reach });
});

// Before Fastify waits for its connections to end, those who follow channels are told to come back later.
app.addHook('preClose', () => hub.close());

// Requests for channels never pass through the app's hooks: who may do what is for the hub's rules to say.
hub.attach(app.server, { base: '/live' });
console.log(await app.listen({ port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' }));

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void app.close());
