import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { constants, createInflateRaw, deflateRawSync } from 'node:zlib';
import { chooseStrategy, eightBitStrategy } from '#dist/node/deflate/eight-bit-window.js';
import { connect, deflate, makeProvider, parameters, PATHS, TAIL, takeover } from '../support/deflate.ts';
import { Random } from '../support/random.ts';
import { referenceInflate } from '../support/reference-inflate.ts';

test('the zlib of this Node stays within 256 bytes with windowBits 9, and the trial would notice if not', () => {
  assert.equal(eightBitStrategy(), constants.Z_DEFAULT_STRATEGY);
  assert.equal(chooseStrategy(9), constants.Z_DEFAULT_STRATEGY);
  for (const windowBits of [10, 11, 15]) assert.equal(chooseStrategy(windowBits), constants.Z_HUFFMAN_ONLY);
});

test('what is only Huffman coded has no matches, which any window holds', () => {
  const message = Buffer.alloc(5000, 'again and ');
  const deflated = deflateRawSync(message, { strategy: constants.Z_HUFFMAN_ONLY });
  const { bytes, farthest } = referenceInflate(deflated);
  assert.ok(message.equals(bytes) && deflated.length < message.length);
  assert.equal(farthest, 0);
});

for (const path of PATHS) {
  test(`an inflater of zlib with a window of 256 bytes reads what is made for it (${path})`, async () => {
    const random = new Random(8);
    const words = Array.from({ length: 6 }, () => random.bytes(random.between(3, 40)));
    for (const agreed of [parameters({ serverMaxWindowBits: 8 }), takeover({ serverMaxWindowBits: 8 })]) {
      const { provider } = makeProvider(path, { takeover: true, level: 6 });
      const { deflater } = connect(provider, agreed);
      // In steps of 64 bytes: within one step zlib reaches back as far as it likes.
      let decoder = createInflateRaw({ windowBits: 8, chunkSize: 64 });
      for (const length of [10, 300, 5000, 30_000]) {
        const message = Buffer.concat(Array.from({ length }, () => random.pick(words))).subarray(0, length);
        const { payload } = await deflate(deflater, message);
        if (agreed.serverNoContextTakeover) decoder = createInflateRaw({ windowBits: 8, chunkSize: 64 });
        assert.ok(payload.length < length || length === 10, 'not compressed at all');
        const parts: Buffer[] = [];
        decoder.on('data', (part: Buffer) => parts.push(part));
        await new Promise<void>((resolve, reject) => {
          decoder.once('error', reject);
          decoder.write(Buffer.concat([payload, TAIL]));
          decoder.flush(() => resolve());
        });
        decoder.removeAllListeners();
        assert.ok(Buffer.concat(parts).equals(message));
      }
    }
  });
}
