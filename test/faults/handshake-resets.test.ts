import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { connect } from 'node:net';
import { type ServerOptions, WebSocketServer } from '@pulsebeacon/websocket';
import type { Scope } from '../support/cleanup.ts';
import { Client } from '../support/client.ts';
import { frame, handshake, RawClient } from '../support/raw.ts';
import { ServerProcess } from '../support/server-process.ts';

const HEAD = handshake('/echo', { Origin: 'http://127.0.0.1', 'Sec-WebSocket-Extensions': 'permessage-deflate' });

interface Subject {
  readonly server: WebSocketServer;
  readonly port: number;
  /** Resolves when nobody is connected. */
  empty(): Promise<void>;
}

async function startServer(scope: Scope, options: ServerOptions = {}): Promise<Subject> {
  const waiting: (() => void)[] = [];
  const server = new WebSocketServer({
    path: '/echo',
    compression: true,
    message: (connection, data) => void connection.send(data),
    close: () => waiting.splice(0).forEach((resolve) => resolve()),
    error() {},
    ...options,
  });
  const address = await server.listen({ port: 0, host: '127.0.0.1' });
  scope.after(() => server.close());
  const empty = async (): Promise<void> => {
    while (server.counts().open > 0) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { server, port: typeof address === 'string' ? 0 : address.port, empty };
}

/** Sends bytes and resets the connection at once: what arrives is the bytes, or some of them, and RST. */
async function sendAndReset(port: number, bytes: string | Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  if (bytes.length > 0) await new Promise<void>((resolve) => socket.write(bytes, 'latin1', () => resolve()));
  socket.resetAndDestroy();
  await once(socket, 'close');
}

describe('connections that are reset while they open', () => {
  test('after every byte of the handshake, and behind it', async (t) => {
    const { server, port, empty } = await startServer(t);
    const healthy = await Client.open(t, `ws://127.0.0.1:${port}/echo`);
    const whole = Buffer.concat([
      Buffer.from(HEAD),
      frame(0x1, Buffer.from('hello')),
      frame(0x2, Buffer.alloc(70_000)),
    ]);
    const cuts = Array.from({ length: HEAD.length + 30 }, (_, i) => i).concat([HEAD.length + 1000, whole.length]);
    for (let at = 0; at < cuts.length; at += 20) {
      await Promise.all(cuts.slice(at, at + 20).map((cut) => sendAndReset(port, whole.subarray(0, cut))));
      assert.equal(await healthy.ask('hello'), 'hello');
    }
    await healthy.close();
    await empty();
    const { accepted, closedByCode } = server.counts();
    // Those whose handshake got through before the reset, however many that were.
    assert.equal((closedByCode[1006] ?? 0) + 1, accepted);
  });

  test('while the application decides', async (t) => {
    const asked: (() => void)[] = [];
    const { server, port, empty } = await startServer(t, {
      authorize: ({ query }) => (query === 'wait' ? new Promise<void>((resolve) => asked.push(resolve)) : undefined),
    });
    const head = handshake('/echo?wait');
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(t, port)));
      for (const client of clients) client.write(head);
      const healthy = await Client.open(t, `ws://127.0.0.1:${port}/echo`);
      while (asked.length < 20) assert.equal(await healthy.ask('asked?'), 'asked?');
      for (const client of clients) client.socket.resetAndDestroy();
      await Promise.all(clients.map(({ over }) => over));
      // Half of the answers come when the server knows, half perhaps when it does not yet.
      for (const decide of asked.splice(0, 10)) decide();
      assert.equal(await healthy.ask('reset?'), 'reset?');
      for (const decide of asked.splice(0)) decide();
      await healthy.close();
    }
    await empty();
    assert.equal(server.counts().open, 0);
  });

  test('behind their first message, while it is handled: the answer to it fails', async (t) => {
    const server = await ServerProcess.start(t);
    for (let i = 1; i <= 10; i++) {
      const client = await RawClient.open(t, server.port, '/slow');
      await new Promise<void>((resolve) => client.socket.write(frame(0x1, Buffer.from('hello')), () => resolve()));
      client.socket.resetAndDestroy();
      await server.untilEnded(i);
    }
    assert.deepEqual((await server.counts()).closedByCode, { 1006: 10 });
    await server.stop();
  });

  test('a flood of them, beside handshakes that succeed', async (t) => {
    const { server, port, empty } = await startServer(t);
    const flood = Array.from({ length: 20 }, async (_, i) => {
      for (let n = 0; n < 40; n++) await sendAndReset(port, HEAD.slice(0, 1 + ((i * 40 + n) % HEAD.length)));
    });
    for (let n = 0; n < 40; n++) {
      const client = await Client.open(t, `ws://127.0.0.1:${port}/echo`);
      assert.equal(await client.ask('hello'), 'hello');
      assert.equal((await client.close()).code, 1000);
    }
    await Promise.all(flood);
    await empty();
    assert.equal(server.counts().closedByCode[1000], 40);
  });
});

describe('headers that are too much', () => {
  test('2,001 fields: refused with 431, and the next client is served', async (t) => {
    const { port } = await startServer(t);
    const fields = Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`x${i}`, '']));
    const client = await RawClient.connect(t, port);
    client.write(handshake('/echo', fields));
    await client.over;
    assert.match(client.bytes.toString(), /^HTTP\/1\.1 431 /);
    const next = await Client.open(t, `ws://127.0.0.1:${port}/echo`);
    assert.equal(await next.ask('hello'), 'hello');
  });
});
