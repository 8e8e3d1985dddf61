// Views and copies of bytes: where they lie, and whose they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBytes, viewBytes } from '#dist/protocol/bytes.js';

/** Bytes that say where they are. */
function numbered(length: number): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(length + 8), 8);
  for (let i = 0; i < length; i++) bytes[i] = i % 251;
  return bytes;
}

const MIB = 1 << 20;

test('a view is of the same memory, a plain Uint8Array, whichever was viewed before', () => {
  const small = numbered(300);
  const other = numbered(300).fill(7);
  const large = numbered(2 * MIB);
  for (const bytes of [small, small, other, small, large, large, small, other]) {
    const view = viewBytes(bytes, 100, 300);
    assert.equal(Object.getPrototypeOf(view), Uint8Array.prototype);
    assert.equal(view.buffer, bytes.buffer);
    assert.deepEqual(view, new Uint8Array(bytes.subarray(100, 300)));
  }
  assert.equal(viewBytes(small, 5, 5).length, 0);
});

test('a copy is of nobody else', () => {
  for (const bytes of [numbered(300), numbered(2 * MIB)]) {
    for (const [start, end] of [
      [0, bytes.length],
      [17, 200],
    ] as const) {
      const copy = copyBytes(bytes, start, end);
      const expected = Buffer.from(bytes.subarray(start, end));
      assert.equal(Object.getPrototypeOf(copy), Uint8Array.prototype);
      assert.equal(copy.buffer.byteLength, end - start);
      bytes.fill(0);
      assert(expected.equals(copy));
      bytes.set(numbered(bytes.length));
    }
  }
});
