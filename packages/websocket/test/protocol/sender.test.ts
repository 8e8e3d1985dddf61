import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Platform } from '#dist/protocol/platform.js';
import {
  encodeCloseBody,
  encodeControl,
  encodeMessage,
  FIN,
  headerLength,
  MaskingKeys,
  MAX_HEADER,
  RSV1,
  writeFrame,
  writeHeader,
} from '#dist/protocol/sender.js';
import { buildFrame, bytes, closeBody, concat, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { Random } from '../support/random.ts';

/** A platform whose random bytes are 0, 1, 2, …: every key can be told from every other. */
function countingPlatform(): Platform & { readonly filled: Uint8Array[] } {
  let next = 0;
  const filled: Uint8Array[] = [];
  return {
    ...testPlatform,
    filled,
    randomFill: (target) => {
      filled.push(target);
      // Four bytes of one number, so that no two keys are alike.
      for (let i = 0; i < target.length; i += 4)
        new DataView(target.buffer, target.byteOffset + i).setUint32(0, next++);
    },
  };
}

function countingKey(index: number): Uint8Array {
  return bytes(index >>> 24, index >>> 16, index >>> 8, index);
}

const LENGTHS = [0, 1, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537];
const HUGE_LENGTHS = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 48 + 5, 2 ** 53 - 1];

test('writeHeader: every length in its shortest form, with and without the mask bit', () => {
  for (const length of [...LENGTHS, ...HUGE_LENGTHS]) {
    for (const masked of [false, true]) {
      const target = new Uint8Array(20).fill(0xee);
      const end = writeHeader(target, 3, FIN | 2, length, masked ? 0x80 : 0);
      const expected = buildFrame({ opcode: 2, declaredLength: BigInt(length) });
      if (masked) expected[1]! |= 0x80;
      assert.equal(end, 3 + expected.length);
      assert.equal(headerLength(length), expected.length);
      assert.deepEqual(target.subarray(3, end), expected);
      assert.ok(target.subarray(0, 3).every((byte) => byte === 0xee));
      assert.ok(target.subarray(end).every((byte) => byte === 0xee));
    }
  }
});

test('MAX_HEADER is what the longest header takes', () => {
  assert.equal(MAX_HEADER, headerLength(2 ** 53 - 1) + 4);
});

test("writeFrame: a server's frame is not masked, a client's is, with its key in the frame", () => {
  const random = new Random(5);
  for (const length of LENGTHS) {
    const payload = random.bytes(length);
    const target = new Uint8Array(5 + MAX_HEADER + length + 3);
    const fromServer = buildFrame({ opcode: 2, payload });
    assert.equal(writeFrame(target, 5, FIN | 2, payload, null), 5 + fromServer.length);
    assert.deepEqual(target.subarray(5, 5 + fromServer.length), fromServer);

    const masks = new MaskingKeys(countingPlatform());
    masks.write(new Uint8Array(4), 0);
    const fromClient = buildFrame({ opcode: 2, payload, mask: countingKey(1) });
    assert.equal(writeFrame(target, 5, FIN | 2, payload, masks), 5 + fromClient.length);
    assert.deepEqual(target.subarray(5, 5 + fromClient.length), fromClient);
  }
});

test('encodeMessage: one frame, with FIN, the opcode, and RSV1 where the message is compressed', () => {
  for (const opcode of [1, 2] as const) {
    for (const compressed of [false, true]) {
      for (const length of LENGTHS) {
        const payload = new Uint8Array(length).fill(0x61);
        const expected = buildFrame({ opcode, rsv1: compressed, payload });
        assert.deepEqual(encodeMessage(opcode, compressed, payload, null), expected);
        assert.equal(expected[0], FIN | (compressed ? RSV1 : 0) | opcode);
      }
    }
  }
});

test('encodeMessage: fragments of the size that was asked for, the last one shorter', () => {
  const payload = new Random(6).bytes(1000);
  for (const fragmentSize of [1, 7, 125, 126, 499, 500, 501, 999, 1000, 1001, Infinity]) {
    for (const compressed of [false, true]) {
      const masks = new MaskingKeys(countingPlatform());
      const parts: Uint8Array[] = [];
      for (let at = 0; at < payload.length; at += fragmentSize) {
        const isFirst = at === 0;
        parts.push(
          buildFrame({
            fin: at + fragmentSize >= payload.length,
            // RFC 7692 §6.1: RSV1 on the first frame alone.
            rsv1: compressed && isFirst,
            opcode: isFirst ? 1 : 0,
            payload: payload.subarray(at, at + fragmentSize),
            mask: countingKey(parts.length),
          }),
        );
      }
      assert.deepEqual(encodeMessage(1, compressed, payload, masks, fragmentSize), concat(...parts));
    }
  }
});

test('encodeMessage: an empty message is one empty frame, however it was to be fragmented', () => {
  assert.deepEqual(encodeMessage(1, false, new Uint8Array(0), null, 1), bytes(0x81, 0x00));
  assert.deepEqual(encodeMessage(2, true, new Uint8Array(0), null), bytes(0xc2, 0x00));
});

test('a payload that is part of a larger buffer is taken from where it lies, and left as it is', () => {
  const memory = new Random(7).bytes(300);
  const before = memory.slice();
  const payload = memory.subarray(13, 213);
  const masks = new MaskingKeys(countingPlatform());
  assert.deepEqual(
    encodeMessage(2, false, payload, masks),
    buildFrame({ opcode: 2, payload: before.slice(13, 213), mask: countingKey(0) }),
  );
  assert.deepEqual(memory, before);
});

test('encodeControl: FIN, the opcode and up to 125 bytes', () => {
  for (const opcode of [8, 9, 10] as const) {
    for (const length of [0, 1, 124, 125]) {
      const payload = new Random(length).bytes(length);
      assert.deepEqual(encodeControl(opcode, payload, null), buildFrame({ opcode, payload }));
      assert.deepEqual(
        encodeControl(opcode, payload, new MaskingKeys(countingPlatform())),
        buildFrame({ opcode, payload, mask: countingKey(0) }),
      );
    }
  }
});

test('encodeCloseBody: no code, no body', () => {
  assert.deepEqual(encodeCloseBody(undefined, '', testPlatform), new Uint8Array(0));
  assert.deepEqual(encodeCloseBody(undefined, 'nobody can read this', testPlatform), new Uint8Array(0));
});

test('encodeCloseBody: the code in network byte order, then the reason', () => {
  for (const code of [1000, 1001, 1014, 3000, 4999]) {
    assert.deepEqual(encodeCloseBody(code, '', testPlatform), closeBody(code));
    assert.deepEqual(encodeCloseBody(code, 'going — away', testPlatform), closeBody(code, 'going — away'));
  }
});

/** The longest beginning of the reason, in whole characters, that takes at most 123 bytes. */
function fits(reason: string): Uint8Array {
  let kept = '';
  for (const character of reason) {
    if (utf8(kept + character).length > 123) break;
    kept += character;
  }
  return utf8(kept);
}

test('encodeCloseBody: a reason that is too long is cut between characters', () => {
  for (const character of ['x', 'é', '漢', '𝄞', '\ud834', '\udd1e']) {
    for (let shift = 0; shift < 5; shift++) {
      for (const count of [20, 30, 31, 40, 41, 42, 60, 61, 62, 118, 122, 123, 124, 200]) {
        const reason = `${'-'.repeat(shift)}${character.repeat(count)}`;
        const body = encodeCloseBody(1000, reason, testPlatform);
        assert.ok(body.length <= 125);
        assert.deepEqual(body, closeBody(1000, fits(reason)), `${shift} + ${count} × ${character}`);
      }
    }
  }
});

test('encodeCloseBody: the last character that still fits stays whole', () => {
  // 119 + 4 bytes are 123; 120 + 4 are one too many; and the 123rd UTF-16 unit may be half a pair.
  for (const [dashes, kept] of [
    [119, 123],
    [120, 120],
    [122, 122],
  ] as const) {
    const body = encodeCloseBody(1000, `${'-'.repeat(dashes)}𝄞`, testPlatform);
    assert.equal(body.length, 2 + kept);
  }
});

test('a lone surrogate in a reason becomes U+FFFD, as everywhere', () => {
  assert.deepEqual(encodeCloseBody(1000, 'a\ud800b', testPlatform), closeBody(1000, 'a\ufffdb'));
});

test('masking keys come from the generator, in order, each once', () => {
  const platform = countingPlatform();
  const masks = new MaskingKeys(platform);
  assert.equal(platform.filled.length, 0, 'nothing is fetched for a connection that sends nothing');
  const target = new Uint8Array(12);
  for (let index = 0; index < 5000; index++) {
    target.fill(0xee);
    const key = masks.write(target, 4);
    const wire = countingKey(index);
    assert.deepEqual(target.subarray(4, 8), wire);
    assert.equal(key, wire[0]! | (wire[1]! << 8) | (wire[2]! << 16) | (wire[3]! << 24));
    assert.ok(
      target.subarray(0, 4).every((byte) => byte === 0xee) && target.subarray(8).every((byte) => byte === 0xee),
    );
  }
  assert.equal(platform.filled.length, 3, 'one call for 2,048 keys');
});

test('a masking key does not stay in the pool after it was used', () => {
  const platform = countingPlatform();
  const masks = new MaskingKeys(platform);
  const target = new Uint8Array(4);
  for (let index = 0; index < 2048; index++) {
    masks.write(target, 0);
    const [pool] = platform.filled;
    const used = (index + 1) * 4;
    assert.ok(pool!.subarray(used - 4, used).every((byte) => byte === 0));
    if (used < pool!.length) assert.deepEqual(pool!.subarray(used, used + 4), countingKey(index + 1));
  }
  assert.ok(platform.filled[0]!.every((byte) => byte === 0));
});

test('two connections do not share a pool', () => {
  const platform = countingPlatform();
  const one = new MaskingKeys(platform);
  const two = new MaskingKeys(platform);
  const seen = new Set<number>();
  const target = new Uint8Array(4);
  for (let i = 0; i < 3000; i++) {
    seen.add(one.write(target, 0));
    seen.add(two.write(target, 0));
  }
  assert.equal(seen.size, 6000);
  assert.equal(new Set(platform.filled.map(({ buffer }) => buffer)).size, 2);
});
