import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prepareMessage, type ServerConnection, type ServerOptions } from '@pulsebeacon/websocket';
import { processMemory } from '#dist/connection/process-memory.js';
import { concat, fromClient, utf8 } from '../support/frames.ts';
import { usedMemory } from '../support/memory.ts';
import { Log, logged, serve } from '../support/servers.ts';

const MIB = 1024 * 1024;

/** Sends until something else than `sent` or `queued` comes of it. @returns what came, and how much went */
async function flood(
  connection: ServerConnection,
  size = 65_536,
): Promise<{ result: string; sent: number; sawQueued: boolean }> {
  const data = new Uint8Array(size);
  let sawQueued = false;
  for (let sent = 0; ; sent += size) {
    const result = connection.send(data);
    if (result === 'queued') sawQueued = true;
    if (result === 'dropped' || result === 'closed') return { result, sent, sawQueued };
    assert.ok(sent < 200 * MIB, 'nothing ever stops it');
    if (sent % (8 * size) === 0) await new Promise(setImmediate);
  }
}

describe('a client that never reads', () => {
  test('is closed with 1013 when its queue is full, and costs the healthy ones nothing', async (t) => {
    const log = new Log();
    const { open, server } = await serve(t, { ...logged(log), closeTimeout: 100 });
    const stuck = await open();
    stuck.pause();
    const [slow] = server.connections;
    const healthy = await Promise.all(Array.from({ length: 5 }, () => open()));
    const before = usedMemory();
    const message = prepareMessage('x'.repeat(20_000));
    let sent = 0;
    while (slow!.state === 'open') {
      server.broadcast(message);
      sent++;
      for (const client of healthy) assert.equal((await client.readFrame())!.payload.length, 20_000);
      assert.ok(sent < 5000);
    }
    assert.ok(usedMemory() - before < 8 * MIB, 'memory grew');
    assert.equal(await log.has('error'), 'error PB_SLOW_CONSUMER');
    assert.match(await log.has('close'), /^close 1013 /);
    assert.equal(processMemory.buffered, 0);
    assert.equal(server.counts().open, 5);
    assert.deepEqual(server.counts().closedByCode, { 1013: 1 });
  });

  test('sees the 1013, if it reads again in time, behind whole messages only', async (t) => {
    const log = new Log();
    const { open, server } = await serve(t, logged(log));
    const client = await open();
    client.pause();
    const [connection] = server.connections;
    const { result, sawQueued, sent } = await flood(connection!);
    assert.deepEqual([result, sawQueued], ['dropped', true]);
    assert.equal(connection!.state, 'closing');
    client.resume();
    let bytes = 0;
    for (;;) {
      const frame = await client.readFrame();
      if (frame!.opcode === 8) {
        assert.equal(frame!.payload.readUInt16BE(0), 1013);
        break;
      }
      assert.equal(frame!.payload.length, 65_536);
      bytes += frame!.payload.length;
    }
    assert.ok(bytes < sent);
    assert.equal(await client.next(), 'end');
  });

  test('drop: whole messages are left out, and it goes on', async (t) => {
    const log = new Log();
    const { open, server } = await serve(t, { ...logged(log), slowConsumer: 'drop' });
    const client = await open();
    client.pause();
    const [connection] = server.connections;
    const { result, sent } = await flood(connection!);
    assert.deepEqual([result, connection!.state], ['dropped', 'open']);
    assert.deepEqual(server.broadcast('x'), { sent: 0, dropped: 1 });
    const drained = connection!.drained();
    client.resume();
    for (let bytes = 0; bytes < sent; bytes += 65_536) assert.equal((await client.readFrame())!.payload.length, 65_536);
    await drained;
    await log.has('drain');
    assert.equal(connection!.send('again'), 'sent');
    assert.equal(await client.next(), 'text "again"');
    assert.equal(connection!.traffic.messagesOut, sent / 65_536 + 1);
  });

  test('terminate: it is cut at once', async (t) => {
    const log = new Log();
    const { open, server } = await serve(t, { ...logged(log), slowConsumer: 'terminate' });
    const client = await open();
    client.pause();
    const [connection] = server.connections;
    await flood(connection!);
    assert.match(await log.has('close'), /^close 1013 /);
    assert.deepEqual(log.lines.slice(0, 2), ['open', 'error PB_SLOW_CONSUMER']);
  });

  for (const [policy, expected] of [
    ['close', /^close 1013 /],
    ['terminate', /^close 1013 /],
  ] as const) {
    test(`writeTimeout, ${policy}: no progress for that long is the same as a full queue`, async (t) => {
      const log = new Log();
      const { open, server } = await serve(t, {
        ...logged(log),
        slowConsumer: policy,
        writeTimeout: 50,
        closeTimeout: 50,
        maxQueuedBytes: 100 * MIB,
      });
      const client = await open();
      client.pause();
      const [connection] = server.connections;
      while (connection!.queuedBytes < MIB) {
        connection!.send(new Uint8Array(65_536));
        await new Promise(setImmediate);
      }
      assert.match(await log.has('close'), expected);
      assert.equal(await log.has('error'), 'error PB_SLOW_CONSUMER');
    });
  }
});

describe('drained', () => {
  test('is the way to send much: the queue stays short, everything arrives', async (t) => {
    let most = 0;
    const options: ServerOptions = {
      open: async (connection) => {
        for (let i = 0; i < 300; i++) {
          if (connection.send(new Uint8Array(65_536).fill(i)) === 'queued') await connection.drained();
          most = Math.max(most, connection.queuedBytes);
        }
        connection.close();
      },
    };
    const { open } = await serve(t, options);
    const client = await open();
    for (let i = 0; i < 300; i++) {
      if (i % 50 === 0) client.pause();
      if (i % 50 === 0) await new Promise(setImmediate);
      client.resume();
      const frame = await client.readFrame();
      assert.ok(frame!.payload.length === 65_536 && frame!.payload.every((byte) => byte === (i & 0xff)));
    }
    assert.equal(await client.next(), 'close 1000 ""');
    assert.ok(most < 3 * 65_536, `${most} bytes were queued`);
  });
});

test('a peer that sends and does not read is not read from either', async (t) => {
  let received = 0;
  const { open, server } = await serve(t, {
    maxQueuedBytes: 100 * MIB,
    message: (connection, data) => {
      received++;
      connection.send(data);
    },
  });
  const client = await open();
  client.pause();
  const frame = fromClient({ opcode: 2, payload: new Uint8Array(65_536) });
  let sent = 0;
  for (let idle = 0; idle < 20; ) {
    if (client.socket.writableLength === 0) {
      client.write(frame);
      sent++;
      idle = 0;
      assert.ok(sent < 2000, 'it is read from for ever');
    } else idle++;
    await new Promise(setImmediate);
  }
  const [connection] = server.connections;
  assert.ok(connection!.queuedBytes < MIB);
  assert.ok(received < sent);
  client.resume();
  for (let i = 0; i < sent; i++) assert.equal((await client.readFrame())!.payload.length, 65_536);
  assert.equal(received, sent);
});

test('a million pings from a peer that does not read: at most one pong waits', async (t) => {
  const { open, server } = await serve(t);
  const client = await open();
  client.pause();
  const before = usedMemory();
  const pings = concat(
    ...Array.from({ length: 10_000 }, (_, i) => fromClient({ opcode: 9, payload: utf8(String(i)) })),
  );
  let most = 0;
  const [connection] = server.connections;
  let written = 0;
  for (let i = 0; i < 100; i++) {
    client.socket.write(pings, () => written++);
    await new Promise(setImmediate);
    most = Math.max(most, connection!.queuedBytes);
  }
  // As many as get through: then the peer itself is held up.
  for (let idle = 0; idle < 30 && written < 100; idle++) await new Promise(setImmediate);
  most = Math.max(most, connection!.queuedBytes);
  assert.ok(most < 300_000, `${most} bytes were queued`);
  // In the end it reads again; and the last ping of all is answered.
  client.send({ opcode: 9, payload: utf8('the last') });
  client.socket.removeAllListeners('data');
  let tail = Buffer.alloc(0);
  await new Promise<void>((resolve) => {
    client.socket.on('data', (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]).subarray(-8);
      if (tail.toString() === 'the last') resolve();
    });
    client.resume();
  });
  assert.ok(usedMemory() - before < 32 * MIB);
});
