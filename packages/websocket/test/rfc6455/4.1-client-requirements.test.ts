import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import {
  type ClientRequestOptions,
  checkAnswer,
  encodeRequest,
  type HandshakeAnswer,
  HandshakeUsageError,
  parseWebSocketUri,
  readHandshake,
} from '#dist/handshake/index.js';
import type { ExtensionOffer } from '#dist/protocol/extension-offer.js';
import { makeAnswer, parseHead, RFC_ACCEPT, RFC_KEY, requireHandshake } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';

const request = (uri: string, options?: ClientRequestOptions) =>
  encodeRequest(testPlatform, parseWebSocketUri(uri), options);
const headOf = (uri: string, options?: ClientRequestOptions) => parseHead(request(uri, options).head);

const hasCode = (code: string) => (error: unknown) => error instanceof HandshakeUsageError && error.code === code;

const offer = (name: string): ExtensionOffer => ({ name, parameters: new Map(), duplicated: false });

describe('§4.1: what the client sends', () => {
  test('§4.1 item 1: the handshake MUST be a valid HTTP request', () => {
    const { head, key, subprotocols, extensions } = request('ws://example.com:8080/chat?x=1', {
      subprotocols: ['chat', 'superchat'],
      extensions: [{ name: 'foo', parameters: new Map([['bar', '2']]), duplicated: false }],
      origin: 'http://example.com',
      headers: { Authorization: 'Bearer abc', Cookie: 'a=b' },
    });
    const parsed = parseHead(head);
    const rawHeaders = parsed.fields.flat();
    const handshake = requireHandshake(
      readHandshake({ method: 'GET', url: '/chat?x=1', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders }),
    );
    assert.equal(handshake.key, key);
    assert.deepEqual(handshake.subprotocols, subprotocols);
    assert.deepEqual(handshake.extensions, extensions);
    assert.equal(handshake.origin, 'http://example.com');
    assert.equal(handshake.fields.get('authorization'), 'Bearer abc');
    assert.equal(handshake.fields.get('cookie'), 'a=b');
  });

  test('§4.1 item 2: the method MUST be GET, and the HTTP version at least 1.1', () => {
    assert.equal(headOf('ws://example.com/chat').startLine, 'GET /chat HTTP/1.1');
  });

  test('§4.1 item 3: the Request-URI MUST match the resource name', () => {
    for (const name of ['/', '/chat', '/chat?a=b', '/?q', '/%C3%BC/']) {
      assert.equal(headOf(`wss://example.com${name}`).startLine, `GET ${name} HTTP/1.1`);
    }
  });

  test('§4.1 item 4: the request MUST contain Host: the host, and the port when it is not the default', () => {
    const cases = {
      'ws://example.com/': 'example.com',
      'ws://example.com:80/': 'example.com',
      'ws://example.com:443/': 'example.com:443',
      'wss://example.com:443/': 'example.com',
      'wss://example.com:80/': 'example.com:80',
      'ws://[::1]:8080/': '[::1]:8080',
    };
    for (const [uri, host] of Object.entries(cases)) assert.deepEqual(headOf(uri).all('Host'), [host]);
  });

  test('§4.1 item 5: the request MUST contain Upgrade with the keyword websocket', () => {
    assert.deepEqual(headOf('ws://example.com/').all('Upgrade'), ['websocket']);
  });

  test('§4.1 item 6: the request MUST contain Connection with the token Upgrade', () => {
    assert.deepEqual(headOf('ws://example.com/').all('Connection'), ['Upgrade']);
  });

  test('§4.1 item 7: Sec-WebSocket-Key MUST be a nonce of 16 bytes in base64', () => {
    const platform = { randomFill: (target: Uint8Array) => target.forEach((_, index) => (target[index] = index + 1)) };
    const { head, key } = encodeRequest(platform, parseWebSocketUri('ws://example.com/'));
    // The value of the NOTE, but that base64 leaves the spare bits zero (RFC 4648 §3.5); the NOTE says "PEC==".
    assert.equal(key, 'AQIDBAUGBwgJCgsMDQ4PEA==');
    assert.equal(key, Buffer.from(Array.from({ length: 16 }, (_, index) => index + 1)).toString('base64'));
    assert.deepEqual(parseHead(head).all('Sec-WebSocket-Key'), [key]);
  });

  test('§4.1 item 7: the nonce MUST be selected randomly for each connection', () => {
    const keys = new Set(Array.from({ length: 1000 }, () => request('ws://example.com/').key));
    assert.equal(keys.size, 1000);
    for (const key of keys) assert.equal(Buffer.from(key, 'base64').toString('base64'), key);
  });

  test('§4.1 item 8: the request has Origin if it comes from a page, as a serialised origin', () => {
    assert.deepEqual(headOf('ws://example.com/').all('Origin'), []);
    for (const origin of ['http://www.example.com', 'https://[::1]:8080', 'null']) {
      assert.deepEqual(headOf('ws://example.com/', { origin }).all('Origin'), [origin]);
    }
    for (const origin of ['', 'http://a.example/', 'example.com', 'http://a\r\nX: y']) {
      assert.throws(() => request('ws://example.com/', { origin }), hasCode('PB_ORIGIN_INVALID'), origin);
    }
  });

  test('§4.1 item 9: Sec-WebSocket-Version MUST be 13', () => {
    assert.deepEqual(headOf('ws://example.com/').all('Sec-WebSocket-Version'), ['13']);
  });

  test('§4.1 item 10: Sec-WebSocket-Protocol lists the subprotocols by preference', () => {
    assert.deepEqual(headOf('ws://example.com/').all('Sec-WebSocket-Protocol'), []);
    assert.deepEqual(headOf('ws://example.com/', { subprotocols: [] }).all('Sec-WebSocket-Protocol'), []);
    const head = headOf('ws://example.com/', { subprotocols: ['chat', 'v2.chat!'] });
    assert.deepEqual(head.all('Sec-WebSocket-Protocol'), ['chat, v2.chat!']);
  });

  test('§4.1 item 10: subprotocols MUST be non-empty strings of U+0021 to U+007E without separators', () => {
    const separators = [
      '(',
      ')',
      '<',
      '>',
      '@',
      ',',
      ';',
      ':',
      '\\',
      '"',
      '/',
      '[',
      ']',
      '?',
      '=',
      '{',
      '}',
      ' ',
      '\t',
    ];
    for (const name of ['', 'ä', '\x7f', 'a\r\nb', ...separators.map((separator) => `a${separator}b`)]) {
      const subprotocols = ['chat', name];
      assert.throws(() => request('ws://example.com/', { subprotocols }), hasCode('PB_SUBPROTOCOL_INVALID'), name);
    }
  });

  test('§4.1 item 10: subprotocols MUST all be unique', () => {
    const subprotocols = ['chat', 'superchat', 'chat'];
    assert.throws(() => request('ws://example.com/', { subprotocols }), hasCode('PB_SUBPROTOCOL_INVALID'));
    // Names are compared exactly, so these two are.
    assert.ok(request('ws://example.com/', { subprotocols: ['chat', 'Chat'] }));
  });

  test('§4.1 item 11: Sec-WebSocket-Extensions lists the extensions', () => {
    assert.deepEqual(headOf('ws://example.com/').all('Sec-WebSocket-Extensions'), []);
    const head = headOf('ws://example.com/', { extensions: [offer('foo'), offer('bar')] });
    assert.deepEqual(head.all('Sec-WebSocket-Extensions'), ['foo, bar']);
    const extensions = [offer('not a token')];
    assert.throws(() => request('ws://example.com/', { extensions }), hasCode('PB_EXTENSION_INVALID'));
  });

  test('§4.1 item 12: the request MAY include other fields, but none that the handshake owns', () => {
    const head = headOf('ws://example.com/', {
      headers: [
        ['X-One', '1'],
        ['X-One', '2'],
      ],
    });
    assert.deepEqual(head.all('X-One'), ['1', '2']);
    const owned = ['Host', 'Upgrade', 'Connection', 'Origin', 'Content-Length', 'Transfer-Encoding', 'Trailer'];
    const websocket = ['Key', 'Version', 'Protocol', 'Extensions', 'Accept'].map((name) => `sec-websocket-${name}`);
    for (const name of [...owned, ...websocket]) {
      assert.throws(() => request('ws://a/', { headers: { [name]: 'x' } }), hasCode('PB_HEADER_RESERVED'), name);
    }
  });
});

describe("§4.1: how the client validates the server's response", () => {
  const asked = { key: RFC_KEY, subprotocols: ['chat', 'superchat'], extensions: [offer('foo'), offer('bar')] };
  const check = (answer: HandshakeAnswer) => checkAnswer(testPlatform, asked, answer);
  const codeOf = (answer: HandshakeAnswer): string | undefined => {
    const result = check(answer);
    return result.ok ? undefined : result.code;
  };

  test('§4.1 response: what conforms is accepted', () => {
    const result = check(
      makeAnswer({
        Upgrade: 'WebSocket',
        Connection: 'keep-alive, uPGRADE',
        'Sec-WebSocket-Accept': ` ${RFC_ACCEPT}\t`,
        'Sec-WebSocket-Protocol': 'superchat',
        'Sec-WebSocket-Extensions': 'bar; x=1, foo',
        'Set-Cookie': ['a=1', 'b=2'],
      }),
    );
    assert.ok(result.ok);
    assert.equal(result.subprotocol, 'superchat');
    assert.deepEqual(
      result.extensions.map(({ name }) => name),
      ['bar', 'foo'],
    );
    assert.deepEqual(result.fields.getAll('set-cookie'), ['a=1', 'b=2']);
  });

  test('§4.1 response item 1: with any status but 101, the connection is not established', () => {
    for (const status of [100, 102, 200, 204, 301, 400, 401, 426, 500, 503]) {
      const result = check(makeAnswer({}, status));
      assert.ok(!result.ok);
      assert.equal(result.code, 'PB_ANSWER_STATUS');
      assert.equal(result.status, status);
    }
  });

  test('§4.1 response item 2: if Upgrade is missing or not websocket, the client MUST fail the connection', () => {
    for (const upgrade of [undefined, '', 'h2c', 'websockets', 'websocket, h2c', 'websocket/13', ['websocket', 'x']]) {
      assert.equal(codeOf(makeAnswer({ Upgrade: upgrade })), 'PB_ANSWER_UPGRADE', String(upgrade));
    }
  });

  test('§4.1 response item 3: if Connection is missing or lacks Upgrade, the client MUST fail the connection', () => {
    for (const connection of [undefined, '', 'keep-alive', 'close', 'upgraded', 'x upgrade', '"upgrade"']) {
      assert.equal(codeOf(makeAnswer({ Connection: connection })), 'PB_ANSWER_CONNECTION', connection);
    }
    assert.equal(codeOf(makeAnswer({ Connection: ['close', 'Upgrade'] })), undefined);
  });

  test('§4.1 response item 4: if Sec-WebSocket-Accept is missing or wrong, the client MUST fail the connection', () => {
    assert.equal(codeOf(makeAnswer({ 'Sec-WebSocket-Accept': undefined })), 'PB_ANSWER_ACCEPT_MISSING');
    for (const accept of [
      '',
      'x',
      RFC_KEY,
      RFC_ACCEPT.toUpperCase(),
      `${RFC_ACCEPT} ${RFC_ACCEPT}`,
      'ICX+Yqv66kxgM0FcWaLWlFLwTAI=',
    ]) {
      assert.equal(codeOf(makeAnswer({ 'Sec-WebSocket-Accept': accept })), 'PB_ANSWER_ACCEPT_WRONG', accept);
    }
  });

  test('§4.1 response item 5: an extension that was not requested MUST fail the connection', () => {
    for (const extensions of ['baz', 'foo, baz', 'Foo', 'permessage-deflate', 'foo; x, foo']) {
      const answer = makeAnswer({ 'Sec-WebSocket-Extensions': extensions });
      assert.equal(codeOf(answer), 'PB_ANSWER_EXTENSION_UNEXPECTED', extensions);
    }
  });

  test('§4.1 response item 6: a subprotocol that was not requested MUST fail the connection', () => {
    for (const subprotocol of ['other', 'Chat', 'chat, superchat', '', '"chat"']) {
      const answer = makeAnswer({ 'Sec-WebSocket-Protocol': subprotocol });
      assert.equal(codeOf(answer), 'PB_ANSWER_SUBPROTOCOL_UNEXPECTED', subprotocol);
    }
  });

  test('§4.1 response: what does not conform to §4.2.2 otherwise MUST fail the connection', () => {
    const repeated = makeAnswer({ 'Sec-WebSocket-Accept': [RFC_ACCEPT, RFC_ACCEPT] });
    assert.equal(codeOf(repeated), 'PB_ANSWER_ACCEPT_REPEATED');
    assert.equal(codeOf(makeAnswer({ 'X-Any': 'a\nb' })), 'PB_ANSWER_FIELD_INVALID');
  });

  test('§4.1 response: header names are case-insensitive', () => {
    const { status, rawHeaders } = makeAnswer({ 'Sec-WebSocket-Protocol': 'chat' });
    for (const change of [(text: string) => text.toUpperCase(), (text: string) => text.toLowerCase()]) {
      const changed = rawHeaders.map((text, index) => (index % 2 === 0 ? change(text) : text));
      const result = check({ status, rawHeaders: changed });
      assert.equal(result.ok && result.subprotocol, 'chat');
    }
  });
});
