import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ANSWER_FAULTS,
  checkAnswer,
  encodeRequest,
  parseExtensions,
  parseWebSocketUri,
} from '#dist/handshake/index.js';
import { makeAnswer, parseHead, RFC_KEY } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';

const asked = { key: RFC_KEY, subprotocols: ['a'], extensions: parseExtensions('foo; x, foo') ?? [] };

test('an answer with too large a header fails', () => {
  const many = Object.fromEntries(Array.from({ length: 98 }, (_, index) => [`X-${index}`, 'x']));
  const crowded = checkAnswer(testPlatform, asked, makeAnswer(many));
  assert.equal(!crowded.ok && crowded.code, 'PB_ANSWER_TOO_MANY_FIELDS');
  const large = checkAnswer(testPlatform, asked, makeAnswer({ 'X-Big': 'a'.repeat(16_384) }));
  assert.equal(!large.ok && large.code, 'PB_ANSWER_FIELDS_TOO_LARGE');
  const limits = { maxFields: 200, maxBytes: 20_000 };
  assert.equal(checkAnswer(testPlatform, asked, makeAnswer(many), { limits }).ok, true);
});

test('a fault says what its entry in the table says', () => {
  const fault = checkAnswer(testPlatform, asked, makeAnswer({ Upgrade: 'h2c' }));
  assert.deepEqual(fault, {
    ok: false,
    code: 'PB_ANSWER_UPGRADE',
    message: ANSWER_FAULTS.PB_ANSWER_UPGRADE.message,
    status: 101,
  });
  for (const [code, { section, retry, message }] of Object.entries(ANSWER_FAULTS)) {
    assert.match(code, /^PB_ANSWER_[A-Z_]+$/);
    assert.match(section, /^RFC \d+ §[\d.]+$/);
    assert.equal(retry, code === 'PB_ANSWER_ENDED' || code === 'PB_ANSWER_TIMEOUT');
    assert.match(message, /^[a-z][ -~]+[^.]$/);
  }
});

test('an extension that was offered twice is accepted once', () => {
  const once = checkAnswer(testPlatform, asked, makeAnswer({ 'Sec-WebSocket-Extensions': 'foo; x' }));
  assert.deepEqual(once.ok && once.extensions, parseExtensions('foo; x'));
  const twice = checkAnswer(testPlatform, asked, makeAnswer({ 'Sec-WebSocket-Extensions': ['foo; x', 'foo'] }));
  assert.equal(!twice.ok && twice.code, 'PB_ANSWER_EXTENSION_UNEXPECTED');
});

test('extensions split over lines are read: §4.2.2 allows it, where §11.3.2 does not', () => {
  const two = { ...asked, extensions: parseExtensions('foo, bar') ?? [] };
  const result = checkAnswer(testPlatform, two, makeAnswer({ 'Sec-WebSocket-Extensions': ['foo', 'bar'] }));
  assert.deepEqual(result.ok && result.extensions, parseExtensions('foo, bar'));
});

test('a client that asked for nothing sends nothing of it, and gets nothing', () => {
  const request = encodeRequest(testPlatform, parseWebSocketUri('ws://example.com/'));
  const names = parseHead(request.head).fields.map(([name]) => name);
  assert.deepEqual(names, ['host', 'upgrade', 'connection', 'sec-websocket-key', 'sec-websocket-version']);
  const result = checkAnswer(testPlatform, { ...request, key: RFC_KEY }, makeAnswer());
  assert.ok(result.ok);
  assert.equal(result.subprotocol, undefined);
  assert.deepEqual(result.extensions, []);
});

test('whitespace around the values of an answer is no part of them', () => {
  const answer = makeAnswer({
    Upgrade: '\twebsocket ',
    Connection: ' Upgrade ',
    'Sec-WebSocket-Protocol': ' a\t',
    'Sec-WebSocket-Extensions': ' foo ',
  });
  const result = checkAnswer(testPlatform, asked, answer);
  assert.equal(result.ok && result.subprotocol, 'a');
});
