// alone: measures memory
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Scope } from '../support/cleanup.ts';
import { Client } from '../support/client.ts';
import { frame, RawClient } from '../support/raw.ts';
import { LITTLE_GARBAGE, ServerProcess } from '../support/server-process.ts';

const MIB = 1024 * 1024;
const FRAMES = 131_000;

/** A text message that has begun, and then fragments without end, all of the same length. */
function fragments(length: number): Buffer {
  const one = frame(0x0, Buffer.alloc(length, 'x'), { fin: false });
  return Buffer.concat([
    frame(0x1, Buffer.alloc(length, 'x'), { fin: false }),
    ...Array.from({ length: FRAMES }, () => one),
  ]);
}

/** Sends a flood on a connection of its own, and gives the code with which it is closed. */
async function flood(scope: Scope, server: ServerProcess, bytes: Buffer): Promise<number> {
  const client = await RawClient.open(scope, server.port, '/echo');
  client.write(bytes);
  const code = await client.readCloseCode();
  client.socket.destroy();
  return code;
}

describe('a flood of fragments', () => {
  for (const length of [0, 1]) {
    test(`${FRAMES} of ${length} bytes: closed with 1008, and the memory stays as it was`, async (t) => {
      const server = await ServerProcess.start(t, {}, LITTLE_GARBAGE);
      const healthy = await Client.open(t, server.socket('/echo'));
      const bytes = fragments(length);
      // What the first ones cost is the engine's, which compiles and makes room once.
      for (let i = 0; i < 5; i++) assert.equal(await flood(t, server, bytes), 1008);
      await server.untilEnded(5);
      const growths: number[] = [];
      for (let i = 6; i <= 8; i++) {
        await server.ask({ ask: 'collect' });
        const before = await server.residentBytes();
        await server.forgetPeak();
        assert.equal(await flood(t, server, bytes), 1008);
        await server.untilEnded(i);
        growths.push((await server.peakBytes()) - before);
      }
      t.diagnostic(`memory grew by ${growths.join(', ')} bytes at most`);
      // Other things grow too now and then; what is kept for each fragment would be each time.
      assert.ok(Math.min(...growths) < MIB, `memory grew by ${growths.join(', ')} bytes`);
      assert.equal(await healthy.ask('hello'), 'hello');
      assert.deepEqual((await server.counts()).closedByCode, { 1008: 8 });
      await server.stop();
    });
  }
});

describe('a flood of pings', () => {
  const BATCH = 8000;
  const pings = Buffer.concat(Array.from({ length: BATCH }, () => frame(0x9, Buffer.alloc(125, 'p'))));

  test('a million from a peer that does not read: not read from, then closed, and the memory stays as it was', async (t) => {
    const server = await ServerProcess.start(t, { writeTimeout: 500, closeTimeout: 500 }, LITTLE_GARBAGE);
    const healthy = await Client.open(t, server.socket('/echo'));
    const peaks: number[] = [];
    for (let i = 1; i <= 3; i++) {
      await server.forgetPeak();
      const before = await server.residentBytes();
      const client = await RawClient.open(t, server.port, '/echo');
      client.socket.pause();
      for (let sent = 0; sent < 1_000_000; sent += BATCH) client.write(pings);
      await server.untilEnded(i);
      assert.equal(await healthy.ask('hello'), 'hello');
      peaks.push((await server.peakBytes()) - before);
    }
    assert.deepEqual((await server.counts()).closedByCode, { 1013: 3 });
    t.diagnostic(`memory grew by ${peaks.join(', ')} bytes at most`);
    // The first is where everything is used for the first time.
    for (const growth of peaks.slice(1)) assert.ok(growth < 8 * MIB, `memory grew by ${growth} bytes`);
    await server.stop();
  });

  test('from a peer that reads: each is answered', async (t) => {
    const server = await ServerProcess.start(t);
    const client = await RawClient.open(t, server.port, '/echo');
    client.socket.removeAllListeners('data');
    let length = 0;
    const all = new Promise<void>((resolve) => {
      client.socket.on('data', (chunk: Buffer) => {
        length += chunk.length;
        // Unmasked, so four bytes shorter than the pings.
        if (length >= 200_000 * 127) resolve();
      });
    });
    for (let sent = 0; sent < 200_000; sent += BATCH) client.write(pings);
    await all;
    assert.equal(length, 200_000 * 127);
    client.socket.destroy();
    await server.stop();
  });
});
