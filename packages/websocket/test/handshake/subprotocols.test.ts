import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSubprotocols, selectSubprotocol, serializeSubprotocols } from '#dist/handshake/index.js';

test('a list with a repetition is told from one that is malformed', () => {
  assert.deepEqual(parseSubprotocols('a, b'), ['a', 'b']);
  assert.equal(parseSubprotocols('a, b, a'), 'repeated');
  assert.equal(parseSubprotocols('a, a b'), 'invalid');
  assert.deepEqual(parseSubprotocols('a, A'), ['a', 'A']);
  assert.deepEqual(parseSubprotocols('__proto__, constructor'), ['__proto__', 'constructor']);
});

test("selection follows the client's order", () => {
  assert.equal(selectSubprotocol(['a', 'b', 'c'], ['c', 'b']), 'b');
  assert.equal(selectSubprotocol(['a'], new Set(['b'])), undefined);
  assert.equal(selectSubprotocol([], ['a']), undefined);
  assert.equal(selectSubprotocol(['a'], []), undefined);
  assert.equal(selectSubprotocol(['constructor'], ['a']), undefined);
});

test('what is written can be read', () => {
  assert.equal(serializeSubprotocols(['a', 'b']), 'a, b');
  assert.deepEqual(parseSubprotocols(serializeSubprotocols(['x', 'y.z'])), ['x', 'y.z']);
});
