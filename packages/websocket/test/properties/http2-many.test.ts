// Many WebSockets over few connections: a thousand over ten in `npm test`, ten thousand over a hundred in
// `npm run soak -- http2-many`.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type ClientConnection, connect, WebSocketServer, withHttp2 } from '@pulsebeacon/websocket';
import { CERTIFICATES } from '../support/bad-certificates.ts';
import { TRUST } from '../support/http2-server.ts';
import { collectGarbage } from '../support/memory.ts';
import { figures, inputs } from './budget.ts';

/** What the server takes of a session. */
const EACH = 100;

const seconds = (since: number): number => Math.round(performance.now() - since) / 1000;

function resident(): number {
  collectGarbage();
  return process.memoryUsage.rss();
}

test('a hundred times as many WebSockets as connections: each has its own messages, and none is left', async (t) => {
  const count = inputs({ test: 1_000, soak: 10_000 });
  const host = https.createServer({ ...CERTIFICATES.good, ALPNProtocols: ['h2', 'http/1.1'] });
  const side = withHttp2(host);
  let ofServer = 0;
  let over!: () => void;
  const allOver = new Promise<void>((resolve) => (over = resolve));
  const sockets = new WebSocketServer({
    message: (connection, data) => void connection.send(data),
    close: () => void (++ofServer === count && over()),
  });
  sockets.attach(host).attach(side.server);
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  t.after(() => {
    side.destroy();
    host.close();
  });
  const { port } = host.address() as AddressInfo;
  const connections = (): Promise<number> =>
    new Promise((resolve, reject) => {
      host.getConnections((error, open) => (error === null ? resolve(open) : reject(error)));
    });

  const before = resident();
  const opening = performance.now();
  const echoes: Promise<string>[] = [];
  const ends: Promise<string>[] = [];
  const open = async (): Promise<ClientConnection> => {
    let echoed!: (data: string) => void;
    let ended!: (how: string) => void;
    echoes.push(new Promise((resolve) => (echoed = resolve)));
    ends.push(new Promise((resolve) => (ended = resolve)));
    return connect(`wss://localhost:${port}/`, {
      httpVersion: '2',
      // All of them open at once, on a machine that may have more to do.
      handshakeTimeout: 60_000,
      tls: TRUST,
      message: (_, data) => echoed(String(data)),
      close: (_, code, _reason, wasClean) => ended(`${code} ${wasClean}`),
    });
  };
  const all = await Promise.all(Array.from({ length: count }, open));
  const opened = seconds(opening);
  assert.deepEqual(sockets.counts().byHttpVersion['2'], { open: count, accepted: count, refused: 0 });
  assert.equal(sockets.counts().open, count);
  assert.equal(await connections(), Math.ceil(count / EACH));
  const bytes = resident() - before;

  const sending = performance.now();
  for (const [number, connection] of all.entries()) connection.send(`number ${number}`);
  assert.deepEqual(
    await Promise.all(echoes),
    all.map((_, number) => `number ${number}`),
  );
  const echoed = seconds(sending);

  const closing = performance.now();
  for (const connection of all) connection.close();
  assert.deepEqual(new Set(await Promise.all(ends)), new Set(['1000 true']));
  await allOver;
  const { open: left, accepted, closedByCode } = sockets.counts();
  assert.deepEqual({ left, accepted, closedByCode }, { left: 0, accepted: count, closedByCode: { 1000: count } });
  const closed = seconds(closing);
  side.close();
  host.close();
  await once(host, 'close');
  figures(t, {
    what: 'WebSockets over HTTP/2',
    inputs: count,
    connections: Math.ceil(count / EACH),
    seconds: opened,
    'echo s': echoed,
    'close s': closed,
    'bytes each, both ends': Math.round(bytes / count),
  });
});
