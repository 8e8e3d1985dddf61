// Express: live channels beside an application's routes, on one port.
//   node examples/channels/express.mjs
//   curl -N 'http://127.0.0.1:8080/live/channels/orders?follow'
//   curl -d 'a pizza' http://127.0.0.1:8080/orders
import express from 'express';
import { Hub } from '@pulsebeacon/hub';

// Everybody may follow orders; the server alone publishes them.
const hub = new Hub({ namespaces: [{ match: 'orders', publish: 'nobody' }] });
const orders = hub.channel('orders');

const app = express();

app.get('/', (_request, response) => {
  response.json({ channel: '/live/channels/orders', connected: hub.clients.size });
});

// Express 5 passes on what an async handler throws.
// oxlint-disable-next-line oxc/no-async-endpoint-handlers
app.post('/orders', express.text({ type: '*/*' }), async (request, response) => {
  const { position, reach } = await orders.publish(request.body ?? '', { reach: true });
  response.status(202).json({ position, reach });
});

const http = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});

// Requests for channels never pass through the app's middleware: who may do what is for the hub's rules to say.
hub.attach(http, { base: '/live' });

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void hub.close();
  });
}
