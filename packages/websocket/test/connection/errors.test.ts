import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTION_ERRORS, USAGE_ERRORS, UsageError, WebSocketError } from '#dist/connection/errors.js';
import { REFUSALS } from '#dist/handshake/refusals.js';
import { HANDSHAKE_USAGE_ERRORS } from '#dist/handshake/usage-error.js';
import { nodePlatform } from '#dist/node/platform.js';
import { isValidCloseCode } from '#dist/protocol/close-codes.js';
import { encodeCloseBody } from '#dist/protocol/sender.js';
import { VIOLATIONS } from '#dist/protocol/violations.js';

test('a stable code has one meaning: no two tables have the same', () => {
  const codes = [VIOLATIONS, CONNECTION_ERRORS, USAGE_ERRORS, REFUSALS, HANDSHAKE_USAGE_ERRORS].flatMap(Object.keys);
  assert.deepEqual(
    codes.filter((code, i) => codes.indexOf(code) !== i),
    [],
  );
  assert.ok(codes.every((code) => /^PB(_[A-Z0-9]+)+$/.test(code)));
});

test('every failure has a close code that may be sent, or 1006, which stands for none', () => {
  for (const [code, { closeCode, section }] of Object.entries(CONNECTION_ERRORS)) {
    assert.ok(closeCode === 1006 || isValidCloseCode(closeCode), code);
    assert.match(section, /^RFC (6455|7692) §\d/);
  }
});

test('every message fits whole into a close frame', () => {
  for (const [code, { closeCode, message }] of Object.entries({ ...VIOLATIONS, ...CONNECTION_ERRORS })) {
    const body = encodeCloseBody(closeCode, message, nodePlatform);
    assert.equal(Buffer.from(body.subarray(2)).toString(), message, code);
  }
});

test('a WebSocketError says what its table says', () => {
  for (const [code, { closeCode, section, retry, message }] of Object.entries({
    ...VIOLATIONS,
    ...CONNECTION_ERRORS,
  })) {
    const error = new WebSocketError(code as keyof typeof CONNECTION_ERRORS);
    assert.deepEqual(
      [error.name, error.code, error.closeCode, error.section, error.retry, error.message],
      ['WebSocketError', code, closeCode, section, retry, message],
    );
    assert.ok(error instanceof Error && !('cause' in error));
  }
});

test('detail and cause come in where they are given', () => {
  const cause = new Error('why');
  const error = new WebSocketError('PB_STREAM_FAILED', { detail: 'port 80', cause });
  assert.equal(error.message, 'the network connection failed: port 80');
  assert.equal(error.cause, cause);
});

test('a UsageError is a TypeError with a stable code', () => {
  const error = new UsageError('PB_DATA_TYPE', 'message');
  assert.ok(error instanceof TypeError);
  assert.deepEqual([error.name, error.code, error.message], ['UsageError', 'PB_DATA_TYPE', 'message']);
});
