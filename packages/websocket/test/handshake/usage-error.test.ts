import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HANDSHAKE_USAGE_ERRORS, HandshakeUsageError } from '#dist/handshake/index.js';

test('an error says its code, the value and what to do', () => {
  const error = new HandshakeUsageError('PB_URI_INVALID', 'http://a\n', 'try wss:');
  assert.ok(error instanceof TypeError);
  assert.equal(error.name, 'HandshakeUsageError');
  assert.equal(error.code, 'PB_URI_INVALID');
  assert.equal(error.message, 'the address is not a ws: or wss: URI: "http://a\\n" (try wss:)');
  assert.equal(new HandshakeUsageError('PB_URI_INVALID', 'x').message, 'the address is not a ws: or wss: URI: "x"');
});

test('the table', () => {
  for (const [code, { section, retry, message }] of Object.entries(HANDSHAKE_USAGE_ERRORS)) {
    assert.match(code, /^PB_[A-Z_]+$/);
    assert.match(section, /^(?:RFC \d+ §[\d.]+)?$/);
    assert.equal(retry, false);
    assert.match(message, /^[a-z][ -~]+[^.]$/);
  }
});
