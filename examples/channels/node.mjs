// node:http: live channels beside an application's own pages, on one port.
//   node examples/channels/node.mjs
//   curl -N 'http://127.0.0.1:8080/live/channels/orders?follow'
//   curl -d 'a pizza' http://127.0.0.1:8080/orders
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Hub } from '@pulsebeacon/hub';

// Everybody may follow orders; the server alone publishes them.
const hub = new Hub({ namespaces: [{ match: 'orders', publish: 'nobody' }] });
const orders = hub.channel('orders');

const http = createServer(async (request, response) => {
  if (request.method === 'POST' && request.url === '/orders') {
    const { position, reach } = await orders.publish(await text(request), { reach: true });
    response.writeHead(202, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ position, reach }));
  } else if (request.url === '/') {
    response.end('Orders are at /live/channels/orders: open it in a browser, or follow it with curl.\n');
  } else {
    response.writeHead(404).end();
  }
});

// Requests for channels never reach the listener above.
hub.attach(http, { base: '/live' });

http.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void hub.close();
  });
}
