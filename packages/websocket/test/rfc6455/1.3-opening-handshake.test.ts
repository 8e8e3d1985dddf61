import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptValue, checkAnswer, encodeAccept, readHandshake } from '#dist/handshake/index.js';
import { makeAnswer, makeRequest, parseHead, RFC_ACCEPT, RFC_KEY, requireHandshake } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';

const EXAMPLE = [
  ['Host', 'server.example.com'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', RFC_KEY],
  ['Origin', 'http://example.com'],
  ['Sec-WebSocket-Protocol', 'chat, superchat'],
  ['Sec-WebSocket-Version', '13'],
] as const;

test("§1.3: the example of the client's handshake is read, and answered as the example says", () => {
  const handshake = requireHandshake(readHandshake({ ...makeRequest(), rawHeaders: EXAMPLE.flat() }));
  assert.equal(handshake.path, '/chat');
  assert.equal(handshake.host, 'server.example.com');
  assert.equal(handshake.origin, 'http://example.com');
  assert.deepEqual(handshake.subprotocols, ['chat', 'superchat']);
  assert.equal(
    encodeAccept(testPlatform, handshake, { subprotocol: 'chat' }),
    'HTTP/1.1 101 Switching Protocols\r\n' +
      'Upgrade: websocket\r\n' +
      'Connection: Upgrade\r\n' +
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n' +
      'Sec-WebSocket-Protocol: chat\r\n' +
      '\r\n',
  );
});

test('§1.3: header fields may come in any order', () => {
  // Every rotation of the list, forwards and backwards.
  for (const fields of [EXAMPLE, EXAMPLE.toReversed()]) {
    for (let turn = 0; turn < fields.length; turn++) {
      const rotated = [...fields.slice(turn), ...fields.slice(0, turn)];
      const handshake = requireHandshake(readHandshake({ ...makeRequest(), rawHeaders: rotated.flat() }));
      assert.equal(handshake.key, RFC_KEY);
      assert.deepEqual(handshake.subprotocols, ['chat', 'superchat']);
    }
  }
});

test('§1.3: the key is taken as the header has it, less whitespace around it, and not decoded', () => {
  assert.equal(acceptValue(testPlatform, RFC_KEY), RFC_ACCEPT);
  const handshake = requireHandshake(readHandshake(makeRequest({ 'Sec-WebSocket-Key': ` \t${RFC_KEY}\t ` })));
  assert.equal(handshake.key, RFC_KEY);
  const head = parseHead(encodeAccept(testPlatform, handshake));
  assert.deepEqual(head.all('Sec-WebSocket-Accept'), [RFC_ACCEPT]);
});

test('§1.3: a Sec-WebSocket-Accept of any other value is not an acceptance', () => {
  const request = { key: RFC_KEY, subprotocols: [], extensions: [] };
  assert.equal(checkAnswer(testPlatform, request, makeAnswer()).ok, true);
  for (const accept of [RFC_ACCEPT.toLowerCase(), RFC_ACCEPT.slice(0, -1), `${RFC_ACCEPT}=`, RFC_KEY, '', undefined]) {
    const result = checkAnswer(testPlatform, request, makeAnswer({ 'Sec-WebSocket-Accept': accept }));
    assert.equal(result.ok, false, accept);
  }
});
