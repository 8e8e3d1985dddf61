import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import { advanceUtf8, UTF8_ACCEPT, UTF8_REJECT } from '#dist/protocol/utf8.js';
import { bytes, concat, utf8 } from '../support/frames.ts';
import { INVALID_SEQUENCES, KOSME_SURROGATE_EDITED, VALID_TEXTS } from '../support/utf8-samples.ts';

const check = (data: Uint8Array): boolean => advanceUtf8(UTF8_ACCEPT, data, 0, data.length) === UTF8_ACCEPT;

/** How many bytes are taken, one by one, before the machine rejects. */
function goodBytes(data: Uint8Array): number {
  let state = UTF8_ACCEPT;
  for (let at = 0; at < data.length; at++) {
    state = advanceUtf8(state, data, at, at + 1);
    if (state === UTF8_REJECT) return at;
  }
  return data.length;
}

test('nothing at all leaves the state as it is', () => {
  const between = advanceUtf8(UTF8_ACCEPT, bytes(0xe2), 0, 1);
  for (const state of [UTF8_ACCEPT, UTF8_REJECT, between]) {
    assert.equal(advanceUtf8(state, bytes(0xff, 0xff), 1, 1), state);
  }
});

test('valid text is accepted, in one run and byte by byte', () => {
  for (const text of VALID_TEXTS) {
    const data = utf8(text);
    assert.equal(check(data), true, JSON.stringify(text));
    assert.equal(goodBytes(data), data.length);
  }
});

for (const { why, bytes: data, good } of INVALID_SEQUENCES) {
  test(`not text: ${why}`, () => {
    assert.equal(check(data), false);
    assert.equal(goodBytes(data), good);
    // The same after text, and before it.
    assert.equal(check(concat(utf8('κ'), data)), false);
    assert.equal(check(concat(data, utf8('x'))), false);
    assert.equal(goodBytes(concat(utf8('κ'), data)), 2 + good);
  });
}

test('a rejected text stays rejected, whatever follows', () => {
  assert.equal(advanceUtf8(UTF8_REJECT, utf8('fine'), 0, 4), UTF8_REJECT);
  assert.equal(advanceUtf8(UTF8_ACCEPT, KOSME_SURROGATE_EDITED, 0, KOSME_SURROGATE_EDITED.length), UTF8_REJECT);
});

test('only the bytes from start to end count', () => {
  const data = concat(bytes(0xff), utf8('é'), bytes(0xff));
  assert.equal(advanceUtf8(UTF8_ACCEPT, data, 1, 3), UTF8_ACCEPT);
  assert.notEqual(advanceUtf8(UTF8_ACCEPT, data, 1, 2), UTF8_ACCEPT);
  assert.notEqual(advanceUtf8(UTF8_ACCEPT, data, 1, 2), UTF8_REJECT);
  assert.equal(advanceUtf8(UTF8_ACCEPT, data, 1, 4), UTF8_REJECT);
});

test('every code point that is no surrogate is text, and every surrogate is not', () => {
  const isSurrogate = (point: number): boolean => point >= 0xd800 && point <= 0xdfff;
  for (let from = 0; from <= 0x10ffff; from += 0x1000) {
    const points = Array.from({ length: 0x1000 }, (_, i) => from + i).filter((point) => !isSurrogate(point));
    const data = utf8(String.fromCodePoint(...points));
    assert.equal(check(data), true, `the code points from U+${from.toString(16)}`);
  }
  for (let point = 0xd800; point <= 0xdfff; point++) {
    assert.equal(check(bytes(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f))), false);
  }
});

test('all sequences of one, two and three bytes are judged as the platform judges them', () => {
  const data = new Uint8Array(3);
  const agree = (length: number): void => {
    const part = data.subarray(0, length);
    if (check(part) !== isUtf8(part)) assert.fail(`disagreement about ${Buffer.from(part).toString('hex')}`);
  };
  for (let a = 0; a < 256; a++) {
    data[0] = a;
    agree(1);
    for (let b = 0; b < 256; b++) {
      data[1] = b;
      agree(2);
      // Below C2 the first byte alone has decided: a few third bytes are enough.
      const step = a < 0xc0 ? 51 : 1;
      for (let c = 0; c < 256; c += step) {
        data[2] = c;
        agree(3);
      }
    }
  }
});

test('all sequences of four bytes around the borders of the ranges are judged as the platform judges them', () => {
  const borders = [0x00, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x9f, 0xa0, 0xbe, 0xbf, 0xc0, 0xc2, 0xe0, 0xf0, 0xff];
  for (let lead = 0xec; lead <= 0xff; lead++) {
    for (const b of borders) {
      for (const c of borders) {
        for (const d of borders) {
          const data = bytes(lead, b, c, d);
          assert.equal(check(data), isUtf8(data), Buffer.from(data).toString('hex'));
        }
      }
    }
  }
});
