// Masking as the platform does it: RFC 6455 §5.3, in the page that sockets read into and anywhere else.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { mask, readPage } from '#dist/node/simd-mask.js';
import { maskInPlace } from '#dist/protocol/mask.js';
import { transform } from '../support/frames.ts';
import { Random } from '../support/random.ts';

const WIRE_KEYS = [
  [0x37, 0xfa, 0x21, 0x3d],
  [0x00, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff],
  [0x01, 0x02, 0x03, 0x84],
];

/** The first byte on the wire is the lowest. */
function keyOf(wire: readonly number[]): number {
  return wire[0]! | (wire[1]! << 8) | (wire[2]! << 16) | (wire[3]! << 24);
}

/** Around sixteen and sixty-four, the threshold of the way through the scratch page, and pages. */
const SHORT = [...Array(82).keys(), 127, 128, 143, 144, 191, 192, 193, 255, 256, 257, 1023];
const LONG = [4096, 65_519, 65_520, 65_535, 65_536, 65_537, 131_071, 200_001];

function assertMasked(memory: Uint8Array, start: number, length: number, wire: readonly number[]): void {
  const before = memory.slice();
  mask(memory, start, start + length, keyOf(wire));
  const expected = before.slice();
  expected.set(transform(before.subarray(start, start + length), wire), start);
  if (Buffer.compare(memory, expected) !== 0) assert.deepEqual(memory, expected, `${length} bytes from ${start}`);
}

const memories: Record<string, (size: number) => Uint8Array> = {
  'the page that sockets read into': () => readPage,
  'memory of its own': (size) => new Uint8Array(size),
  'a view of a Buffer': (size) => Buffer.alloc(size + 3).subarray(3),
};

for (const [where, make] of Object.entries(memories)) {
  describe(`in ${where}`, () => {
    test('§5.3: octet i is XORed with octet i MOD 4 of the key, at every length and alignment, and no other is', () => {
      const random = new Random(1);
      for (const wire of WIRE_KEYS) {
        for (const length of SHORT) {
          for (let start = 0; start < 18; start++) {
            const memory = make(start + length + 20);
            memory.set(random.bytes(start + length + 20));
            assertMasked(memory, start, length, wire);
          }
        }
      }
    });

    test('payloads of many kilobytes, up to the very end of the memory', () => {
      const random = new Random(2);
      for (const length of LONG) {
        for (const start of [0, 1, 14]) {
          const memory = make(start + length);
          if (start + length > memory.length) continue;
          for (let at = 0; at < memory.length; at += 4096) {
            memory.set(random.bytes(Math.min(4096, memory.length - at)), at);
          }
          assertMasked(memory, start, length, WIRE_KEYS[0]!);
          assertMasked(memory, memory.length - length, length, WIRE_KEYS[3]!);
        }
      }
    });

    test('the result tells whether every byte that came out is ASCII, wherever one is not', () => {
      const wire = [0x80, 0x01, 0xff, 0x40];
      for (const length of [...SHORT, 4096, 60_000, 131_072]) {
        const memory = make(3 + length);
        if (3 + length > memory.length) continue;
        const seenWith = (notAscii: number): number => {
          const plain = new Uint8Array(length).fill(0x7f);
          if (notAscii >= 0) plain[notAscii] = 0x80;
          memory.fill(0xff).set(transform(plain, wire), 3);
          return mask(memory, 3, 3 + length, keyOf(wire)) & 0x80808080;
        };
        assert.equal(seenWith(-1), 0, `${length} bytes`);
        for (let at = 0; at < length; at += length > 80 ? Math.ceil(length / 20) : 1) {
          assert.notEqual(seenWith(at), 0, `byte ${at} of ${length}`);
        }
        if (length > 0) assert.notEqual(seenWith(length - 1), 0, `the last byte of ${length}`);
      }
    });
  });
}

/** What a process of its own says of its masks. */
function inProcess(flags: readonly string[], environment: Record<string, string> = {}): unknown {
  const of = (file: string): string => JSON.stringify(import.meta.resolve(`#dist/${file}`));
  const script = `
    const { mask, readPage } = await import(${of('node/simd-mask.js')});
    const { maskInPlace } = await import(${of('protocol/mask.js')});
    const { nodePlatform } = await import(${of('node/platform.js')});
    const bytes = new Uint8Array(1000);
    const seen = mask(bytes, 0, 1000, 0x04030201);
    console.log(JSON.stringify({
      isPlain: mask === maskInPlace && nodePlatform.mask === maskInPlace,
      room: readPage.length,
      memory: readPage.buffer.byteLength,
      isRight: bytes.every((byte, i) => byte === (i % 4) + 1) && (seen & 0x80808080) === 0,
    }));`;
  const output = execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', script], {
    env: { ...process.env, PULSEBEACON_MASK: '', ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

const PLAIN = { isPlain: true, room: 65536, memory: 65536, isRight: true };

describe('the loop of protocol/mask.ts is used instead, and the page is ordinary memory', () => {
  test('where the environment says so (PULSEBEACON_MASK=plain)', () => {
    assert.deepEqual(inProcess([], { PULSEBEACON_MASK: 'plain' }), PLAIN);
    assert.deepEqual(inProcess([]), { ...PLAIN, isPlain: false, memory: 196608 });
  });

  test('where there is no WebAssembly', () => {
    assert.deepEqual(inProcess(['--jitless']), PLAIN);
  });

  const isIntel = process.arch === 'x64';
  test('where the processor has no SIMD instructions', { skip: !isIntel && 'only x64 processors lack them' }, () => {
    assert.deepEqual(inProcess(['--no-enable-sse4-1']), PLAIN);
  });
});

test('the page is masked in place, not only its own view of that memory', () => {
  const other = readPage.subarray(100, 400);
  other.fill(0x55);
  mask(readPage, 100, 400, 0);
  mask(other, 0, 300, 0x01010101);
  assert.ok(readPage.subarray(100, 400).every((byte) => byte === 0x54));
  assert.notEqual(mask, maskInPlace);
});

test('beside the page nothing is touched, whatever lies at its very ends', () => {
  const memory = new Uint8Array(readPage.buffer);
  const { byteOffset, length } = readPage;
  memory.fill(0x55);
  for (let from = 0; from < 70; from++) mask(readPage, from, length, 0x01020304);
  for (let to = 0; to < 70; to++) mask(readPage, 0, to, 0x01020304);
  assert(memory.subarray(0, byteOffset).every((byte) => byte === 0x55));
  assert(memory.subarray(byteOffset + length).every((byte) => byte === 0x55));
});
