// alone: measures memory
import assert from 'node:assert/strict';
import { constants, createDeflateRaw } from 'node:zlib';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Client } from '../support/client.ts';
import { frame, RawClient } from '../support/raw.ts';
import { LITTLE_GARBAGE, ServerProcess } from '../support/server-process.ts';

const MIB = 1024 * 1024;

/** So many MiB of zeros as a compressed message (RFC 7692 §7.2.1), which takes about a thousandth of that. */
async function bomb(mebibytes: number): Promise<Buffer> {
  const deflate = createDeflateRaw({ level: 9 });
  const parts: Buffer[] = [];
  deflate.on('data', (part: Buffer) => parts.push(part));
  const ended = once(deflate, 'end');
  deflate.write(Buffer.alloc(16 * MIB));
  // After a full flush everything is as at the beginning, so that the same bytes can come again and again.
  await new Promise<void>((resolve) => deflate.flush(constants.Z_FULL_FLUSH, () => resolve()));
  const block = Buffer.concat(parts);
  deflate.end();
  await ended;
  const blocks = Buffer.concat(Array.from({ length: mebibytes / 16 }, () => block));
  // The last empty block is not sent.
  return blocks.subarray(0, -4);
}

describe('a compressed message that inflates to a gibibyte', () => {
  for (const takeover of [false, true]) {
    test(`${takeover ? 'with' : 'without'} context takeover: closed with 1009 long before`, async (t) => {
      const limit = 2 * MIB;
      const server = await ServerProcess.start(t, { maxMessageSize: limit, compression: { takeover } }, LITTLE_GARBAGE);
      const payload = await bomb(1024);
      assert.ok(payload.length > MIB * 0.9 && payload.length < limit, `${payload.length} bytes on the wire`);

      // A large message that is allowed, so that everything has been used once.
      const healthy = await Client.open(t, server.socket('/echo'), { perMessageDeflate: true, maxPayload: 0 });
      const large = Buffer.alloc(limit);
      for (let i = 0; i < 3; i++) assert.equal((await healthy.ask(large)).length, limit);

      const extensions = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
      // Of several the least counts: what the engine has not collected yet comes and goes, what a bomb takes does not.
      let growth = Infinity;
      for (let i = 1; i <= 6; i++) {
        await server.ask({ ask: 'collect' });
        const before = await server.residentBytes();
        await server.forgetPeak();
        const client = await RawClient.open(t, server.port, '/echo', extensions);
        client.write(frame(0x2, payload, { rsv1: true }));
        assert.equal(await client.readCloseCode(), 1009);
        client.socket.destroy();
        await server.untilEnded(i);
        growth = Math.min(growth, (await server.peakBytes()) - before);
      }
      t.diagnostic(`memory grew by ${growth} bytes at most`);
      assert.ok(growth < limit + 8 * MIB, `memory grew by ${growth} bytes`);
      assert.equal((await healthy.ask(large)).length, limit);
      await server.stop();
    });
  }
});
