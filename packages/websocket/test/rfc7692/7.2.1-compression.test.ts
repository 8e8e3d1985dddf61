import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import {
  assertRoundTrip,
  connect,
  deflate,
  makePair,
  makeProvider,
  parameters,
  PATHS,
  TAIL,
  takeover,
} from '../support/deflate.ts';
import { Random } from '../support/random.ts';
import { referenceInflate } from '../support/reference-inflate.ts';
import { meet } from '../support/server-end.ts';
import { decompressed } from '../support/server-deflate.ts';

/** Text whose parts come again after any distance, up to beyond the largest window. */
function repetitive(random: Random, length: number): Buffer {
  const parts: Uint8Array[] = Array.from({ length: 40 }, () => random.bytes(random.between(5, 60)));
  const message: Uint8Array[] = [];
  for (let made = 0; made < length; ) {
    if (random.chance(20)) parts[random.below(parts.length)] = random.bytes(random.between(5, 60));
    const part = random.pick(parts);
    message.push(part);
    made += part.length;
  }
  return Buffer.concat(message).subarray(0, length);
}

const withTail = (payload: Uint8Array): Buffer => Buffer.concat([payload, TAIL]);

for (const path of PATHS) {
  test(`§7.2.1: the four octets at the end are taken off, the header of the empty block before them stays (${path})`, async () => {
    const random = new Random(721);
    const { deflater } = connect(makeProvider(path).provider, parameters());
    for (const length of [1, 2, 5, 100, 1000, 16_384, 20_000, 70_000]) {
      const message = repetitive(random, length);
      const { payload } = await deflate(deflater, message);
      const { bytes, blocks } = referenceInflate(withTail(payload));
      assert.ok(message.equals(bytes), `${length} bytes`);
      assert.deepEqual(blocks.at(-1), { final: false, type: 'stored', length: 0 });
      assert.equal(blocks.filter(({ type, length: made }) => type === 'stored' && made === 0).length, 1);
    }
  });

  test(`§7.2.1: data that cannot be compressed is sent all the same (${path})`, async () => {
    const random = new Random(1);
    const { deflater } = connect(makeProvider(path).provider, parameters());
    for (const length of [1, 64, 5000, 40_000, 150_000]) {
      const message = random.bytes(length);
      const { payload } = await deflate(deflater, message);
      assert.deepEqual(referenceInflate(withTail(payload)).bytes, message);
    }
  });

  test(`§7.2.1: with no_context_takeover each message MUST start with an empty window (${path})`, async () => {
    const message = repetitive(new Random(2), 3000);
    for (const role of ['server', 'client'] as const) {
      const agreed =
        role === 'server' ? takeover({ serverNoContextTakeover: true }) : takeover({ clientNoContextTakeover: true });
      const { deflater } = connect(makeProvider(path, { takeover: true }).provider, agreed, role);
      const first = await deflate(deflater, message);
      for (let again = 0; again < 3; again++) {
        const { payload } = await deflate(deflater, message);
        assert.ok(payload.equals(first.payload));
        assert.ok(message.equals(referenceInflate(withTail(payload)).bytes));
      }
    }
  });

  test(`§7.2.1: connections that share a context see nothing of each other (${path})`, async () => {
    const { provider } = makeProvider(path);
    const [one, other] = [connect(provider, parameters()), connect(provider, parameters())];
    const message = repetitive(new Random(3), 2000);
    const alone = (await deflate(one.deflater, message)).payload;
    await deflate(other.deflater, message);
    assert.ok((await deflate(one.deflater, message)).payload.equals(alone));
    assert.ok((await deflate(other.deflater, message)).payload.equals(alone));
  });

  for (const bits of [8, 9, 10, 12, 14, 15]) {
    test(`§7.2.1: a window of 2^${bits} bytes MUST NOT be exceeded (${path})`, async () => {
      for (const role of ['server', 'client'] as const) {
        for (const agreed of [parameters(), takeover()]) {
          const windows = { ...agreed, serverMaxWindowBits: bits, clientMaxWindowBits: bits };
          for (const level of [1, 2, 4, 6, 9]) {
            const { provider } = makeProvider(path, { takeover: true, level });
            const { deflater } = connect(provider, windows, role);
            const random = new Random(bits * 100 + level);
            let window = Buffer.alloc(0);
            let reached = 0;
            for (const length of [100, 2000, 9000, 40_000]) {
              const message = repetitive(random, length);
              const { payload } = await deflate(deflater, message);
              const { bytes, farthest } = referenceInflate(withTail(payload), window);
              assert.ok(message.equals(bytes));
              assert.ok(farthest <= 2 ** bits, `a match ${farthest} bytes back`);
              reached = Math.max(reached, farthest);
              if (!agreed.serverNoContextTakeover) window = Buffer.concat([window, message]).subarray(-32_768);
            }
            assert.ok(reached > Math.min(0.4 * 2 ** bits, 5000), `no match beyond ${reached}: nothing was tested`);
          }
        }
      }
    });
  }

  test(`§7.2.1: without no_context_takeover a message refers to those before it (${path})`, async () => {
    const message = repetitive(new Random(5), 1500);
    const { server, client } = makePair(path, takeover(), { takeover: true });
    for (const [deflater, inflater] of [
      [server.deflater, client.inflater],
      [client.deflater, server.inflater],
    ] as const) {
      const first = await assertRoundTrip(deflater, inflater, message);
      const second = await assertRoundTrip(deflater, inflater, message);
      assert.ok(second.length < first.length / 10, `${first.length}, then ${second.length} bytes`);
      assert.throws(() => referenceInflate(withTail(second)), /before the beginning/);
    }
  });
}

for (const [how, bits, own, named] of [
  ['that the server names', 9, 15, '; client_max_window_bits=9'],
  ['that it named itself, though the server names none', 9, 9, ''],
  ['of 2^8, which zlib does not have', 8, 15, '; client_max_window_bits=8'],
] as const) {
  test(`§7.2.1, §7.1.2.2: a connected client MUST NOT use a larger window than the one ${how}`, async (t) => {
    const { client, server } = await meet(
      t,
      { compression: { threshold: 0, takeover: true, level: 9, clientMaxWindowBits: own } },
      [`Sec-WebSocket-Extensions: permessage-deflate${named}`],
    );
    const random = new Random(bits);
    let window = Buffer.alloc(0);
    let reached = 0;
    for (const length of [3000, 9000]) {
      const message = repetitive(random, length);
      client.send(message);
      const [frame] = await server.frames(1);
      assert.equal(frame!.rsv, 4);
      assert.ok(!frame!.payload.subarray(-4).equals(TAIL), 'the end was not taken off');
      const decoded = decompressed(frame!.payload, window);
      assert.ok(message.equals(decoded.bytes));
      reached = Math.max(reached, decoded.farthest);
      window = Buffer.concat([window, message]);
    }
    assert.ok(reached <= 2 ** bits, `a match ${reached} bytes back`);
    assert.ok(reached > 0.4 * 2 ** bits, `no match beyond ${reached}: nothing was tested`);
  });
}
