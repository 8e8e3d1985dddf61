// A clock for everybody: one message a second, framed once and compressed once, however many watch.
//   node examples/clock.mjs
import { createServer } from 'node:http';
import { prepareMessage, WebSocketServer } from '@pulsebeacon/websocket';

const interval = Number(process.env.INTERVAL ?? 1000);

const http = createServer((request, response) => {
  if (clock.handleRequest(request, response)) return;
  const { open, peak, messagesOut } = clock.counts();
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ websocket: '/clock', open, peak, messagesOut }));
});

let latest = tick();

const clock = new WebSocketServer({
  path: '/clock',
  compression: true,
  // Whoever falls behind misses ticks instead of being closed: an old time is worth nothing.
  slowConsumer: 'drop',
  open(connection) {
    // A newcomer does not wait for the next tick, and this one is framed already.
    connection.sendPrepared(latest);
  },
});
clock.attach(http);

const timer = setInterval(() => {
  latest = tick();
  clock.broadcast(latest);
}, interval);

function tick() {
  const now = new Date();
  return prepareMessage(JSON.stringify({ time: now.toISOString(), unix: now.getTime() }));
}

http.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    clearInterval(timer);
    http.close();
    void clock.close();
  });
}
