import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isValidCloseCode } from '#dist/protocol/close-codes.js';
import { deliver, DEFAULT_LIMITS, receive } from '../support/deliver.ts';
import { closeBody, fromClient } from '../support/frames.ts';

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011]) {
  test(`§7.4.1: ${code} is defined, and taken`, () => {
    assert.deepEqual(receive(fromClient({ opcode: 8, payload: closeBody(code, 'why') })), [`close ${code} "why"`]);
  });
}

for (const code of [1012, 1013, 1014]) {
  test(`§7.4.2: ${code} was registered with IANA later, and is taken`, () => {
    assert.deepEqual(receive(fromClient({ opcode: 8, payload: closeBody(code) })), [`close ${code} ""`]);
  });
}

for (const code of [1005, 1006, 1015]) {
  test(`§7.4.1: ${code} is reserved and MUST NOT be set in a close frame by an endpoint`, () => {
    assert.equal(isValidCloseCode(code), false);
    assert.deepEqual(receive(fromClient({ opcode: 8, payload: closeBody(code) })), ['fail 1002 PB_CLOSE_CODE']);
  });
}

test('§7.4.1: 1004 is reserved', () => {
  assert.deepEqual(receive(fromClient({ opcode: 8, payload: closeBody(1004) })), ['fail 1002 PB_CLOSE_CODE']);
});

function taken(code: number): boolean {
  const stream = fromClient({ opcode: 8, payload: closeBody(code) });
  const { calls } = deliver(stream, { role: 'server', deflate: false, limits: DEFAULT_LIMITS });
  assert.equal(calls.length, 1);
  return calls[0]!.type === 'control';
}

test('§7.4.2: 0–999 are not used: none is taken', () => {
  for (let code = 0; code < 1000; code++) assert.equal(taken(code), false, String(code));
});

test('§7.4.2: 1016–2999 are reserved for later versions and extensions: none is taken', () => {
  for (let code = 1015; code < 3000; code++) assert.equal(taken(code), false, String(code));
});

test('§7.4.2: 3000–3999, for libraries, and 4000–4999, for private use, are taken', () => {
  for (let code = 3000; code < 5000; code++) assert.equal(taken(code), true, String(code));
});

test('§7.4.2: above 4999 nothing is defined: none is taken', () => {
  for (let code = 5000; code <= 65_535; code++) assert.equal(taken(code), false, String(code));
});
