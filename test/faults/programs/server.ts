// A WebSocket server in a process of its own: what it does to its memory, and whether it survives, is seen from outside.
import { setImmediate as turn } from 'node:timers/promises';
import { prepareMessage, WebSocketServer } from '@pulsebeacon/websocket';
import type { Answer, Question } from './protocol.ts';

let server: WebSocketServer | undefined;
let ended = 0;
const waiting = new Set<{ done: () => boolean; resolve: () => void }>();

function changed(): void {
  for (const each of waiting) {
    if (!each.done()) continue;
    waiting.delete(each);
    each.resolve();
  }
}

function until(done: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    waiting.add({ done, resolve });
    changed();
  });
}

/** Keeps the process busy, so that things happen to its connections that it does not see yet. */
function standStill(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

async function listen(options: Question & { ask: 'listen' }): Promise<number> {
  server = new WebSocketServer({
    path: ['/echo', '/slow', '/feed', '/sink'],
    ...options.options,
    open: changed,
    message(connection, data) {
      if (connection.path === '/slow') standStill(50);
      if (connection.path === '/echo' || connection.path === '/slow') connection.send(data);
    },
    close() {
      ended++;
      changed();
    },
    error() {},
  });
  const address = await server.listen({ port: 0, host: '127.0.0.1' });
  if (typeof address === 'string') throw new Error('not a port');
  return address.port;
}

async function feed(size: number, times: number): Promise<void> {
  const message = prepareMessage(new Uint8Array(size));
  for (let i = 0; i < times; i++) {
    server!.broadcast(message, { filter: ({ path }) => path === '/feed' });
    await turn();
  }
}

async function answer(question: Question): Promise<Omit<Answer, 'id'>> {
  switch (question.ask) {
    case 'listen':
      return { port: await listen(question) };
    case 'open':
      await until(() => server!.connections.size === question.count);
      break;
    case 'ended':
      await until(() => ended >= question.count);
      break;
    case 'feed':
      await feed(question.size, question.times);
      break;
    case 'collect':
      globalThis.gc?.();
      break;
    case 'close':
      await server!.close();
      break;
    case 'counts':
      break;
  }
  return { counts: server!.counts() };
}

process.on('message', async ({ id, question }: { id: number; question: Question }) => {
  const reply: Answer = { id, ...(await answer(question)) };
  process.send!(reply);
});
process.once('SIGTERM', () => process.disconnect());
