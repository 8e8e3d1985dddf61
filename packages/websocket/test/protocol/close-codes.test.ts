import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as codes from '#dist/protocol/close-codes.js';

test('close codes that may stand in a close frame: of all that two bytes can say, exactly these', () => {
  const allowed: string[] = [];
  let from = -1;
  for (let code = 0; code <= 65_536; code++) {
    const valid = code < 65_536 && codes.isValidCloseCode(code);
    if (valid && from < 0) from = code;
    if (!valid && from >= 0) {
      allowed.push(`${from}-${code - 1}`);
      from = -1;
    }
  }
  assert.deepEqual(allowed, ['1000-1003', '1007-1014', '3000-4999']);
});

test('the names stand for the registered numbers', () => {
  const { isValidCloseCode, ...named } = codes;
  assert.deepEqual(
    { ...named },
    {
      CLOSE_NORMAL: 1000,
      CLOSE_GOING_AWAY: 1001,
      CLOSE_PROTOCOL_ERROR: 1002,
      CLOSE_UNSUPPORTED_DATA: 1003,
      CLOSE_NO_STATUS: 1005,
      CLOSE_ABNORMAL: 1006,
      CLOSE_INVALID_PAYLOAD: 1007,
      CLOSE_POLICY_VIOLATION: 1008,
      CLOSE_MESSAGE_TOO_BIG: 1009,
      CLOSE_INTERNAL_ERROR: 1011,
      CLOSE_SERVICE_RESTART: 1012,
      CLOSE_TRY_AGAIN_LATER: 1013,
    },
  );
  // 1005 and 1006 tell an application what it did not get; they never travel.
  const onTheWire = Object.values(named)
    .filter((code) => isValidCloseCode(code))
    .sort((a, b) => a - b);
  assert.deepEqual(onTheWire, [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013]);
});
