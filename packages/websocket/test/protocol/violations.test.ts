import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isValidCloseCode } from '#dist/protocol/close-codes.js';
import { VIOLATIONS, type ViolationCode } from '#dist/protocol/violations.js';
import { utf8 } from '../support/frames.ts';

/** The codes are stable: none of these may ever go away, nor fail a connection with another close code. */
const STABLE: Record<ViolationCode, number> = {
  PB_FRAME_RESERVED_BITS: 1002,
  PB_FRAME_RESERVED_OPCODE: 1002,
  PB_FRAME_NOT_MASKED: 1002,
  PB_FRAME_MASKED: 1002,
  PB_FRAME_LENGTH_NOT_MINIMAL: 1002,
  PB_FRAME_LENGTH_TOO_LARGE: 1009,
  PB_CONTROL_FRAGMENTED: 1002,
  PB_CONTROL_TOO_LONG: 1002,
  PB_FRAGMENT_UNEXPECTED: 1002,
  PB_FRAGMENT_INTERLEAVED: 1002,
  PB_CLOSE_LENGTH: 1002,
  PB_CLOSE_CODE: 1002,
  PB_CLOSE_REASON: 1007,
  PB_TEXT_INVALID_UTF8: 1007,
  PB_MESSAGE_TOO_BIG: 1009,
  PB_MESSAGE_TOO_MANY_FRAGMENTS: 1008,
  PB_DEFLATE_INVALID: 1007,
};

test('the table has these codes with these close codes', () => {
  const closeCodes = Object.fromEntries(Object.entries(VIOLATIONS).map(([code, { closeCode }]) => [code, closeCode]));
  assert.deepEqual(closeCodes, STABLE);
});

for (const [code, violation] of Object.entries(VIOLATIONS)) {
  test(`${code} can be told to the peer, and read up`, () => {
    assert.ok(isValidCloseCode(violation.closeCode));
    assert.ok(utf8(violation.message).length <= 123, 'a close frame has room for 123 bytes of reason (RFC 6455 §5.5)');
    assert.match(violation.message, /^[a-z][ -~]*[^.]$/);
    assert.match(violation.section, /^RFC (6455|7692) §\d+(\.\d+)*$/);
    // What broke the protocol once breaks it again.
    assert.equal(violation.retry, false);
  });
}

test('no two codes say the same', () => {
  const messages = Object.values(VIOLATIONS).map(({ message }) => message);
  assert.equal(new Set(messages).size, messages.length);
});
