import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkAnswer,
  encodeAccept,
  encodeRequest,
  parseExtensions,
  parseWebSocketUri,
  readHandshake,
} from '#dist/handshake/index.js';
import {
  answerOf,
  makeAnswer,
  makeRequest,
  parseHead,
  RFC_ACCEPT,
  RFC_KEY,
  requireHandshake,
} from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';
import { meetAndFail } from '../support/server-end.ts';

const OTHER_KEY = 'AAAAAAAAAAAAAAAAAAAAAA==';

const request = () =>
  encodeRequest(testPlatform, parseWebSocketUri('ws://example.com/'), {
    subprotocols: ['a', 'b'],
    extensions: parseExtensions('foo, bar') ?? [],
  });

const accept = () => {
  const fields = { 'Sec-WebSocket-Protocol': ['a', 'b'], 'Sec-WebSocket-Extensions': ['foo', 'bar'] };
  const handshake = requireHandshake(readHandshake(makeRequest(fields)));
  return parseHead(
    encodeAccept(testPlatform, handshake, { subprotocol: 'b', extensions: handshake.extensions, headers: {} }),
  );
};

test('§11.3.1: Sec-WebSocket-Key MUST NOT appear more than once in a request', () => {
  for (const keys of [
    [RFC_KEY, RFC_KEY],
    [RFC_KEY, OTHER_KEY],
    [RFC_KEY, ''],
  ]) {
    const result = readHandshake(makeRequest({ 'Sec-WebSocket-Key': keys }));
    assert.ok(!result.ok);
    assert.equal(result.code, 'PB_HANDSHAKE_KEY_REPEATED');
    assert.equal(result.status, 400);
  }
  // Nor where the lines differ in case.
  const { rawHeaders, ...rest } = makeRequest();
  const twice = readHandshake({ ...rest, rawHeaders: [...rawHeaders, 'SEC-WEBSOCKET-KEY', RFC_KEY] });
  assert.equal(!twice.ok && twice.code, 'PB_HANDSHAKE_KEY_REPEATED');
  assert.equal(parseHead(request().head).all('Sec-WebSocket-Key').length, 1);
});

test('§11.3.2: Sec-WebSocket-Extensions MAY appear several times in a request, as if it were one', () => {
  const result = readHandshake(makeRequest({ 'Sec-WebSocket-Extensions': ['foo; a=1', 'bar', 'foo'] }));
  assert.deepEqual(requireHandshake(result).extensions, parseExtensions('foo; a=1, bar, foo'));
});

test('§11.3.2: Sec-WebSocket-Extensions MUST NOT appear more than once in a response', () => {
  assert.deepEqual(accept().all('Sec-WebSocket-Extensions'), ['foo, bar']);
});

test('§11.3.3: Sec-WebSocket-Accept MUST NOT appear more than once in a response', () => {
  assert.deepEqual(accept().all('Sec-WebSocket-Accept'), [RFC_ACCEPT]);
  const asked = { key: RFC_KEY, subprotocols: [], extensions: [] };
  const result = checkAnswer(testPlatform, asked, makeAnswer({ 'Sec-WebSocket-Accept': [RFC_ACCEPT, RFC_ACCEPT] }));
  assert.equal(!result.ok && result.code, 'PB_ANSWER_ACCEPT_REPEATED');
});

test('§11.3.4: Sec-WebSocket-Protocol MAY appear several times in a request, as if it were one', () => {
  const result = readHandshake(makeRequest({ 'Sec-WebSocket-Protocol': ['a', 'b, c'] }));
  assert.deepEqual(requireHandshake(result).subprotocols, ['a', 'b', 'c']);
  const repeated = readHandshake(makeRequest({ 'Sec-WebSocket-Protocol': ['a', 'b, a'] }));
  assert.equal(!repeated.ok && repeated.code, 'PB_HANDSHAKE_SUBPROTOCOLS_REPEATED');
});

test('§11.3.4: Sec-WebSocket-Protocol MUST NOT appear more than once in a response', () => {
  assert.deepEqual(accept().all('Sec-WebSocket-Protocol'), ['b']);
  const asked = { key: RFC_KEY, subprotocols: ['a', 'b'], extensions: [] };
  const result = checkAnswer(testPlatform, asked, makeAnswer({ 'Sec-WebSocket-Protocol': ['a', 'a'] }));
  assert.equal(!result.ok && result.code, 'PB_ANSWER_SUBPROTOCOL_REPEATED');
});

test('§11.3.5: Sec-WebSocket-Version MUST NOT appear more than once in a request', () => {
  for (const versions of [
    ['13', '13'],
    ['13', '8'],
    ['8', '13'],
  ]) {
    const result = readHandshake(makeRequest({ 'Sec-WebSocket-Version': versions }));
    assert.ok(!result.ok);
    assert.equal(result.code, 'PB_HANDSHAKE_VERSION_REPEATED');
    const answer = answerOf(result);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.all('Sec-WebSocket-Version'), ['13']);
  }
  assert.equal(parseHead(request().head).all('Sec-WebSocket-Version').length, 1);
});

for (const [section, code, line] of [
  ['§11.3.3', 'PB_ANSWER_ACCEPT_REPEATED', 'Sec-WebSocket-Accept: x'],
  ['§11.3.4', 'PB_ANSWER_SUBPROTOCOL_REPEATED', 'Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a'],
] as const) {
  const [name] = line.split(':');
  test(`${section}: ${name} MUST NOT appear more than once in an answer: a client that connects fails`, async (t) => {
    const { error, server } = await meetAndFail(t, ({ accepted }) => accepted(line), { subprotocols: ['a'] });
    assert.equal(error.code, code);
    assert.deepEqual(await server.rest(), []);
  });
}

test('§11.3: what a client sends of the handshake stands in one line each', async (t) => {
  const { server } = await meetAndFail(t, () => 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n', {
    subprotocols: ['a', 'b'],
    compression: true,
    origin: 'https://example.com',
  });
  const names = server.handshake.text.match(/^[\w-]+(?=:)/gm)!.map((name) => name.toLowerCase());
  assert.equal(names.length, 8);
  assert.equal(new Set(names).size, names.length);
});
