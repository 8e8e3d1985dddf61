import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkAnswer,
  encodeAccept,
  encodeRequest,
  parseWebSocketUri,
  readHandshake,
  selectSubprotocol,
} from '#dist/handshake/index.js';
import { makeAnswer, makeRequest, parseHead, RFC_KEY, requireHandshake } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';

test('§1.9: the server answers with one of the subprotocols that the client asks for', () => {
  const handshake = requireHandshake(
    readHandshake(makeRequest({ 'Sec-WebSocket-Protocol': 'chat.example.com, chat.example.org' })),
  );
  const subprotocol = selectSubprotocol(handshake.subprotocols, ['chat.example.org']);
  assert.equal(subprotocol, 'chat.example.org');
  const head = parseHead(encodeAccept(testPlatform, handshake, { subprotocol }));
  assert.deepEqual(head.all('Sec-WebSocket-Protocol'), ['chat.example.org']);
});

test('§1.9: versions of a subprotocol are separate subprotocols', () => {
  assert.equal(selectSubprotocol(['bookings.example.net'], ['v2.bookings.example.net']), undefined);
});

test('§1.9: a client that insists on a subprotocol does not connect without', () => {
  const request = encodeRequest(testPlatform, parseWebSocketUri('ws://example.com/'), { subprotocols: ['chat'] });
  assert.deepEqual(parseHead(request.head).all('Sec-WebSocket-Protocol'), ['chat']);
  const result = checkAnswer(testPlatform, { ...request, key: RFC_KEY }, makeAnswer(), { requireSubprotocol: true });
  assert.equal(!result.ok && result.code, 'PB_ANSWER_SUBPROTOCOL_MISSING');
  // The RFC itself lets the client go on: the field's absence is the null value (§4.2.2).
  const lenient = checkAnswer(testPlatform, { ...request, key: RFC_KEY }, makeAnswer());
  assert.equal(lenient.ok && lenient.subprotocol, undefined);
  // Nobody who asked for none can miss one.
  const none = { key: RFC_KEY, subprotocols: [], extensions: [] };
  assert.equal(checkAnswer(testPlatform, none, makeAnswer(), { requireSubprotocol: true }).ok, true);
});
