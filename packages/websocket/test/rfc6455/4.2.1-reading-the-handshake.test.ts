import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HandshakeRequest, isWebSocketUpgrade, readHandshake } from '#dist/handshake/index.js';
import { answerOf, makeRequest, RFC_KEY, requireHandshake, requireRefusal } from '../support/handshakes.ts';

/** What a request is refused with, as the client sees it, or undefined where it is read. */
const refusalOf = (request: HandshakeRequest): { status: number; code: string } | undefined => {
  const result = readHandshake(request);
  if (result.ok) return undefined;
  const { status, problem } = answerOf(result);
  assert.equal(problem['status'], status);
  return { status, code: problem['code'] as string };
};

test('§4.2.1: what does not match is answered with an HTTP error, and only with that', () => {
  const refusal = requireRefusal(readHandshake(makeRequest({ 'Sec-WebSocket-Key': undefined })));
  const { startLine, all, problem } = answerOf(refusal);
  assert.equal(startLine, 'HTTP/1.1 400 Bad Request');
  assert.deepEqual(all('Connection'), ['close']);
  assert.deepEqual(all('Sec-WebSocket-Accept'), []);
  assert.equal(problem['code'], 'PB_HANDSHAKE_KEY_MISSING');
});

test('§4.2.1 item 1: any method but GET is refused with 405 and Allow: GET', () => {
  for (const method of ['POST', 'HEAD', 'PUT', 'OPTIONS', 'CONNECT', 'get', '', undefined]) {
    const refusal = requireRefusal(readHandshake(makeRequest({}, { method })));
    const answer = answerOf(refusal, { method });
    assert.equal(answer.startLine, 'HTTP/1.1 405 Method Not Allowed');
    assert.deepEqual(answer.all('Allow'), ['GET']);
  }
});

test('§4.2.1 item 1: HTTP below 1.1 is refused with 400', () => {
  for (const [httpVersionMajor, httpVersionMinor] of [
    [1, 0],
    [0, 9],
  ] as const) {
    const request = makeRequest({}, { httpVersionMajor, httpVersionMinor });
    assert.deepEqual(refusalOf(request), { status: 400, code: 'PB_HANDSHAKE_HTTP_VERSION' });
  }
  assert.equal(refusalOf(makeRequest({}, { httpVersionMajor: 2, httpVersionMinor: 0 })), undefined);
});

test('§4.2.1 item 1: the Request-URI is a resource name', () => {
  const handshake = requireHandshake(readHandshake(makeRequest({}, { url: '/chat/%C3%BC?a=1?b' })));
  assert.equal(handshake.path, '/chat/%C3%BC');
  assert.equal(handshake.query, 'a=1?b');
  assert.equal(requireHandshake(readHandshake(makeRequest({}, { url: '/' }))).query, undefined);
  assert.equal(requireHandshake(readHandshake(makeRequest({}, { url: '/?' }))).query, '');
});

test('§4.2.1 item 1: or an absolute http or https URI with the resource name', () => {
  const cases = [
    ['http://other.example/chat?x', '/chat', 'x', 'other.example'],
    ['HTTPS://other.example:8443', '/', undefined, 'other.example:8443'],
    ['http://other.example?x', '/', 'x', 'other.example'],
  ] as const;
  for (const [url, path, query, host] of cases) {
    const handshake = requireHandshake(readHandshake(makeRequest({}, { url })));
    assert.deepEqual([handshake.path, handshake.query, handshake.host], [path, query, host]);
  }
});

test('§4.2.1 item 1: any other request target is refused with 400', () => {
  const targets = [
    '',
    '*',
    'chat',
    'example.com:443',
    'ws://example.com/',
    'ftp://example.com/',
    'xhttp://example.com/',
    'http:///chat',
    'http://',
    'http://user@example.com/',
    'http://exa%mple.com/',
    '/chat#top',
    '/a b',
    '/ü',
    '/\x7f',
    '/a\r\nHost: x',
    '/\0',
    undefined,
  ];
  for (const url of targets) {
    assert.deepEqual(refusalOf(makeRequest({}, { url })), { status: 400, code: 'PB_HANDSHAKE_TARGET' }, url);
  }
});

test('§4.2.1 item 2: a request without Host is refused with 400', () => {
  const refusal = { status: 400, code: 'PB_HANDSHAKE_HOST_MISSING' };
  assert.deepEqual(refusalOf(makeRequest({ Host: undefined })), refusal);
  // Host is there once and valid even where the target has an authority of its own (RFC 9112 §3.2).
  assert.deepEqual(refusalOf(makeRequest({ Host: undefined }, { url: 'http://example.com/' })), refusal);
});

test('§4.2.1 item 2 and RFC 9112 §3.2: a Host that is doubled or invalid is refused with 400', () => {
  const twice = makeRequest({ Host: ['server.example.com', 'server.example.com'] });
  assert.deepEqual(refusalOf(twice), { status: 400, code: 'PB_HANDSHAKE_HOST_REPEATED' });
  const hosts = ['', 'a b', 'a/b', 'user@host', 'host:port', 'host:99999', '[::1', '::1', 'a,b c', 'http://a', 'höst'];
  for (const host of hosts) {
    assert.deepEqual(refusalOf(makeRequest({ Host: host })), { status: 400, code: 'PB_HANDSHAKE_HOST_INVALID' }, host);
  }
});

test('§4.2.1 item 3: Upgrade contains websocket, in any case', () => {
  const values = [
    'websocket',
    'WebSocket',
    'WEBSOCKET',
    ' websocket\t',
    'h2c, websocket',
    'websocket,,foo/1.0',
    ['h2c', 'websocket'],
  ];
  for (const value of values) {
    const request = makeRequest({ Upgrade: value });
    assert.equal(refusalOf(request), undefined, String(value));
    assert.equal(isWebSocketUpgrade(request.rawHeaders), true, String(value));
  }
});

test('§4.2.1 item 3: an Upgrade that names websocket badly is refused with 400', () => {
  for (const value of [
    'websocket/13',
    'websocket / 13',
    'websocket, @',
    'websocket, a/b/c',
    'websocket, /1',
    'h2c, WebSocket/8',
  ]) {
    const request = makeRequest({ Upgrade: value });
    assert.deepEqual(refusalOf(request), { status: 400, code: 'PB_HANDSHAKE_UPGRADE_INVALID' }, value);
    assert.equal(isWebSocketUpgrade(request.rawHeaders), true, value);
  }
});

test('§4.2.1 item 3 and RFC 9110 §7.8: an Upgrade to anything else is no WebSocket handshake', () => {
  for (const value of [
    'h2c',
    'TLS/1.0',
    'websockets',
    'web socket',
    'x-websocket',
    'xwebsocket',
    '',
    ',',
    ['h2c', 'TLS/1.0'],
    undefined,
  ]) {
    assert.equal(isWebSocketUpgrade(makeRequest({ Upgrade: value }).rawHeaders), false, String(value));
  }
});

test('§4.2.1 item 3: a request without Upgrade is refused with 426 and told what to upgrade to', () => {
  const refusal = requireRefusal(readHandshake(makeRequest({ Upgrade: undefined })));
  const answer = answerOf(refusal);
  assert.equal(answer.startLine, 'HTTP/1.1 426 Upgrade Required');
  assert.deepEqual(answer.all('Upgrade'), ['websocket']);
  assert.deepEqual(answer.all('Connection'), ['close, Upgrade']);
  assert.deepEqual(answer.all('Sec-WebSocket-Version'), ['13']);
});

test('§4.2.1 item 4: Connection includes the token Upgrade, in any case', () => {
  for (const value of [
    'Upgrade',
    'upgrade',
    'keep-alive, Upgrade',
    'UPGRADE,keep-alive',
    ', upgrade ,',
    ['keep-alive', 'upgrade'],
  ]) {
    assert.equal(refusalOf(makeRequest({ Connection: value })), undefined, String(value));
  }
});

test('§4.2.1 item 4: a Connection that lacks Upgrade is refused with 400', () => {
  for (const value of [undefined, '', 'keep-alive', 'close', 'upgrades', 'up grade', 'Upgrade;x', '"Upgrade"']) {
    const refusal = { status: 400, code: 'PB_HANDSHAKE_CONNECTION' };
    assert.deepEqual(refusalOf(makeRequest({ Connection: value })), refusal, value);
  }
});

test('§4.2.1 item 5: a request without Sec-WebSocket-Key is refused with 400', () => {
  const request = makeRequest({ 'Sec-WebSocket-Key': undefined });
  assert.deepEqual(refusalOf(request), { status: 400, code: 'PB_HANDSHAKE_KEY_MISSING' });
});

test('§4.2.1 item 5: a Sec-WebSocket-Key that does not decode to 16 bytes is refused with 400', () => {
  const keys = [
    '',
    '=',
    'AAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAA=',
    'AAAAAAAAAAAAAAAAAAAAAA===',
    'AAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAA=',
    'AAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAA AAAAAAAAAAA==',
    'AAAAAAAAAAAAAAAAAAAA-_==',
    'AAAAAAAAAAAAAAAAAAAAA===',
    `${RFC_KEY}, ${RFC_KEY}`,
    `"${RFC_KEY}"`,
    `${RFC_KEY}\x0b`,
    'ÄAAAAAAAAAAAAAAAAAAAAA==',
    'A'.repeat(8000),
  ];
  for (const key of keys) {
    const request = makeRequest({ 'Sec-WebSocket-Key': key });
    assert.deepEqual(refusalOf(request), { status: 400, code: 'PB_HANDSHAKE_KEY_INVALID' }, key);
  }
});

test('§4.2.1 item 5: the key of the NOTE in §4.1 is read, though its spare bits are not zero', () => {
  const handshake = readHandshake(makeRequest({ 'Sec-WebSocket-Key': 'AQIDBAUGBwgJCgsMDQ4PEC==' }));
  assert.equal(requireHandshake(handshake).key, 'AQIDBAUGBwgJCgsMDQ4PEC==');
});

test('§4.2.1 item 6: a request without Sec-WebSocket-Version is refused with 400 and told the version', () => {
  const answer = answerOf(requireRefusal(readHandshake(makeRequest({ 'Sec-WebSocket-Version': undefined }))));
  assert.equal(answer.status, 400);
  assert.equal(answer.problem['code'], 'PB_HANDSHAKE_VERSION_MISSING');
  assert.deepEqual(answer.all('Sec-WebSocket-Version'), ['13']);
});

test('§4.2.1 item 7: Origin is handed on; a request without is not taken for one of a browser', () => {
  assert.equal(requireHandshake(readHandshake(makeRequest())).origin, undefined);
  assert.equal(requireHandshake(readHandshake(makeRequest({ Origin: ' null' }))).origin, 'null');
  const twice = makeRequest({ Origin: ['http://a.example', 'http://b.example'] });
  assert.deepEqual(refusalOf(twice), { status: 400, code: 'PB_HANDSHAKE_ORIGIN_REPEATED' });
});

test('§4.2.1 item 8: Sec-WebSocket-Protocol is read by preference', () => {
  const read = (value?: string | string[]) =>
    requireHandshake(readHandshake(makeRequest({ 'Sec-WebSocket-Protocol': value }))).subprotocols;
  assert.deepEqual(read(), []);
  assert.deepEqual(read('b, a'), ['b', 'a']);
  assert.deepEqual(read(['c,d', 'a']), ['c', 'd', 'a']);
});

test('§4.2.1 item 9: Sec-WebSocket-Extensions is read by preference', () => {
  const value = 'permessage-deflate; client_max_window_bits, permessage-deflate';
  const { extensions } = requireHandshake(readHandshake(makeRequest({ 'Sec-WebSocket-Extensions': value })));
  assert.deepEqual(extensions, [
    { name: 'permessage-deflate', parameters: new Map([['client_max_window_bits', true]]), duplicated: false },
    { name: 'permessage-deflate', parameters: new Map(), duplicated: false },
  ]);
  assert.deepEqual(requireHandshake(readHandshake(makeRequest())).extensions, []);
});

test('§4.2.1 item 10: unknown fields are ignored, and can be looked at', () => {
  const request = makeRequest({ Cookie: 'a=b', Authorization: 'Basic x', __proto__x: '1', constructor: '2' });
  const { fields } = requireHandshake(readHandshake(request));
  assert.equal(fields.get('COOKIE'), 'a=b');
  assert.equal(fields.get('authorization'), 'Basic x');
  assert.equal(fields.get('constructor'), '2');
});
