import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskInPlace, rotateKey } from '#dist/protocol/mask.js';
import { transform } from '../support/frames.ts';
import { Random } from '../support/random.ts';

/** The key as maskInPlace takes it: the first byte on the wire is the lowest. */
function keyOf(wire: ArrayLike<number>): number {
  return wire[0]! | (wire[1]! << 8) | (wire[2]! << 16) | (wire[3]! << 24);
}

const WIRE_KEYS = [
  [0x37, 0xfa, 0x21, 0x3d],
  [0x00, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff],
  [0x01, 0x02, 0x03, 0x84],
];

/** Around the threshold of the word loop, its four-fold step, and its ends. */
const LENGTHS = [...Array(80).keys(), 127, 128, 129, 255, 256, 1023];

test('§5.3: octet i is XORed with octet i MOD 4 of the key, at every length and alignment', () => {
  const random = new Random(1);
  for (const wire of WIRE_KEYS) {
    for (const length of LENGTHS) {
      for (let byteOffset = 0; byteOffset < 4; byteOffset++) {
        for (let start = 0; start < 4; start++) {
          // No longer than it must be, so that the last word of the buffer may be incomplete.
          const memory = random.bytes(byteOffset + start + length + (length % 3));
          const before = memory.slice();
          const view = memory.subarray(byteOffset);
          maskInPlace(view, start, start + length, keyOf(wire));
          const at = byteOffset + start;
          const expected = before.slice();
          expected.set(transform(before.subarray(at, at + length), wire), at);
          assert.deepEqual(memory, expected, `${length} bytes from ${byteOffset} + ${start}`);
        }
      }
    }
  }
});

test('§5.3: the same operation masks and unmasks', () => {
  const random = new Random(2);
  for (const length of LENGTHS) {
    const bytes = random.bytes(length);
    const before = bytes.slice();
    const key = random.uint32() | 0;
    maskInPlace(bytes, 0, length, key);
    maskInPlace(bytes, 0, length, key);
    assert.deepEqual(bytes, before);
  }
});

test('a payload masked in parts, the key rotated between them, is masked as a whole', () => {
  const random = new Random(3);
  const payload = random.bytes(70);
  for (const wire of WIRE_KEYS) {
    const key = keyOf(wire);
    const whole = transform(payload, wire);
    for (let cut = 0; cut <= payload.length; cut++) {
      const parts = payload.slice();
      maskInPlace(parts, 0, cut, key);
      maskInPlace(parts, cut, parts.length, rotateKey(key, cut));
      assert.deepEqual(parts, whole, `cut at ${cut}`);
    }
  }
});

test('rotateKey: four bytes further on the key is the same again', () => {
  const key = keyOf([0x01, 0x82, 0x03, 0x84]);
  assert.equal(rotateKey(key, 0), key);
  assert.equal(rotateKey(key, 1), keyOf([0x82, 0x03, 0x84, 0x01]));
  assert.equal(rotateKey(key, 2), keyOf([0x03, 0x84, 0x01, 0x82]));
  assert.equal(rotateKey(key, 3), keyOf([0x84, 0x01, 0x82, 0x03]));
  assert.equal(rotateKey(key, 4), key);
  assert.equal(rotateKey(key, 65_535), rotateKey(key, 3));
});

test('the result tells whether every byte that came out is ASCII, wherever one is not', () => {
  const wire = [0x80, 0x01, 0xff, 0x40];
  for (const length of LENGTHS) {
    for (let start = 0; start < 4; start++) {
      const make = (notAscii: number): Uint8Array => {
        const plain = new Uint8Array(length).fill(0x7f);
        if (notAscii >= 0) plain[notAscii] = 0x80;
        const bytes = new Uint8Array(start + length + 4).fill(0xff);
        bytes.set(transform(plain, wire), start);
        return bytes;
      };
      assert.equal(maskInPlace(make(-1), start, start + length, keyOf(wire)) & 0x80808080, 0);
      for (let at = 0; at < length; at += length > 80 ? 13 : 1) {
        const seen = maskInPlace(make(at), start, start + length, keyOf(wire));
        assert.notEqual(seen & 0x80808080, 0, `byte ${at} of ${length}`);
      }
    }
  }
});

test('buffers in turn: each is masked in its own memory', () => {
  const key = keyOf([1, 2, 3, 4]);
  const one = new Uint8Array(64);
  const two = new Uint8Array(96);
  for (let round = 0; round < 3; round++) {
    maskInPlace(one, 0, 64, key);
    maskInPlace(two, 0, 96, key);
  }
  assert.deepEqual(one, transform(new Uint8Array(64), [1, 2, 3, 4]));
  assert.deepEqual(two, transform(new Uint8Array(96), [1, 2, 3, 4]));
});

test('a buffer of more than 2^31 bytes is masked where it was asked for, and nowhere else', (t) => {
  const start = 2 ** 31 + 5;
  let memory: Uint8Array;
  try {
    // Pages that nobody touches cost no memory.
    memory = new Uint8Array(start + 200);
  } catch {
    t.skip('no room for 2 GiB of address space');
    return;
  }
  maskInPlace(memory, start, start + 100, keyOf([1, 2, 3, 4]));
  assert.deepEqual(memory.slice(start, start + 100), transform(new Uint8Array(100), [1, 2, 3, 4]));
  assert.deepEqual(memory.slice(start - 100, start), new Uint8Array(100));
  assert.deepEqual(memory.slice(start + 100), new Uint8Array(100));
  assert.deepEqual(memory.slice(0, 100), new Uint8Array(100));
});

test('where the byte order is not little-endian, long payloads are masked byte by byte', async () => {
  // The module finds out by itself when it loads, so it is loaded once more where a number lies the other way round.
  const native = globalThis.Uint32Array;
  const url = new URL('mask.js?big-endian', import.meta.resolve('#dist/protocol/mask.js')).href;
  globalThis.Uint32Array = class extends native {
    constructor(values: Iterable<number>) {
      super(Array.from(values, (value) => ((value & 0xff) << 24) | ((value & 0xff00) << 8) | (value >>> 24)));
    }
  } as unknown as typeof native;
  let module: { maskInPlace: typeof maskInPlace };
  try {
    module = await import(url);
  } finally {
    globalThis.Uint32Array = native;
  }
  assert.notEqual(module.maskInPlace, maskInPlace);
  const random = new Random(4);
  for (const length of LENGTHS) {
    const payload = random.bytes(length + 3);
    const masked = payload.slice();
    // No view of words may be made: their bytes would be the other way round.
    const seen = withoutWords(() => module.maskInPlace(masked, 3, 3 + length, keyOf(WIRE_KEYS[3]!)));
    const expected = transform(payload.subarray(3), WIRE_KEYS[3]!);
    assert.deepEqual(masked.subarray(3), expected);
    assert.equal(
      (seen & 0x80808080) === 0,
      expected.every((byte) => byte < 0x80),
    );
  }
});

function withoutWords<T>(run: () => T): T {
  const native = globalThis.Int32Array;
  globalThis.Int32Array = function words() {
    assert.fail('words are used');
  } as unknown as typeof native;
  try {
    return run();
  } finally {
    globalThis.Int32Array = native;
  }
}
