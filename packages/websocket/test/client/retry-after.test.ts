import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRetryAfter } from '#dist/node/client/retry-after.js';

const NOW = Date.UTC(2026, 0, 1);

test('Retry-After is a number of seconds or a date (RFC 9110 §10.2.3)', () => {
  for (const [value, seconds] of [
    ['0', 0],
    ['120', 120],
    [' 5 ', 5],
    ['Thu, 01 Jan 2026 00:01:30 GMT', 90],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['Thu Jan  1 00:00:20 2026', 20],
    ['Thursday, 01-Jan-26 00:00:10 GMT', 10],
  ] as const) {
    assert.equal(parseRetryAfter(value, NOW), seconds, value);
  }
});

test('what cannot be read counts for nothing', () => {
  for (const value of [undefined, '', '-1', '1.5', '1e3', 'soon', 'Thu, 99 Foo 2026', '12345678901', '2026-01-01']) {
    assert.equal(parseRetryAfter(value, NOW), undefined, String(value));
  }
});
