import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHandshake } from '#dist/handshake/index.js';
import { answerOf, makeRequest, requireHandshake, requireRefusal } from '../support/handshakes.ts';
import { meetAndFail } from '../support/server-end.ts';

test('§4.4: a version that is not supported MUST be answered with all versions that are', () => {
  const answer = answerOf(requireRefusal(readHandshake(makeRequest({ 'Sec-WebSocket-Version': '25' }))));
  assert.deepEqual(answer.all('Sec-WebSocket-Version'), ['13']);
});

test('§4.4: the version is told even where the rest of the handshake is of that other version', () => {
  const fields = { 'Sec-WebSocket-Version': '7', 'Sec-WebSocket-Key': undefined, 'Sec-WebSocket-Origin': 'http://a' };
  const answer = answerOf(requireRefusal(readHandshake(makeRequest(fields))));
  assert.deepEqual(answer.all('Sec-WebSocket-Version'), ['13']);
  // Drafts before -04 had no version field at all.
  const draft = { 'Sec-WebSocket-Version': undefined, 'Sec-WebSocket-Key': undefined, 'Sec-WebSocket-Key1': '1 2' };
  const older = answerOf(requireRefusal(readHandshake(makeRequest(draft))));
  assert.deepEqual(older.all('Sec-WebSocket-Version'), ['13']);
});

test('§4.4: the client can repeat the handshake with a version of the answer', () => {
  const answer = answerOf(requireRefusal(readHandshake(makeRequest({ 'Sec-WebSocket-Version': '25' }))));
  const [version] = answer.all('Sec-WebSocket-Version');
  assert.ok(requireHandshake(readHandshake(makeRequest({ 'Sec-WebSocket-Version': version }))));
});

test('§4.4: a client that is told of other versions learns them, and does not use one that it does not speak', async (t) => {
  const { error, server } = await meetAndFail(t, () => {
    return 'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8, 7\r\nContent-Length: 0\r\n\r\n';
  });
  assert.equal(server.handshake.fields.get('sec-websocket-version'), '13');
  assert.deepEqual([error.status, error.headers.get('sec-websocket-version'), error.retry], [426, '8, 7', false]);
  assert.deepEqual(await server.rest(), []);
});
