import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  checkExtendedAnswer,
  encodeExtendedConnect,
  encodeHeaderLines,
  HandshakeUsageError,
  isTunnelOpen,
  parseWebSocketUri,
} from '#dist/handshake/index.js';

const uri = parseWebSocketUri('wss://example.com/chat?a=b');

describe('an extended CONNECT as it is written (RFC 8441 §5)', () => {
  test('the fields of §5.1', () => {
    const request = encodeExtendedConnect(parseWebSocketUri('wss://server.example.com/chat'), {
      subprotocols: ['chat', 'superchat'],
      extensions: [{ name: 'permessage-deflate', parameters: new Map(), duplicated: false }],
      origin: 'http://www.example.com',
    });
    assert.equal(
      encodeHeaderLines(request.fields),
      [
        ':method: CONNECT',
        ':protocol: websocket',
        ':scheme: https',
        ':authority: server.example.com',
        ':path: /chat',
        'sec-websocket-version: 13',
        'origin: http://www.example.com',
        'sec-websocket-protocol: chat, superchat',
        'sec-websocket-extensions: permessage-deflate',
        '',
      ].join('\r\n'),
    );
  });

  test('without TLS the scheme is http, and a port of its own is in the authority', () => {
    const { fields } = encodeExtendedConnect(parseWebSocketUri('ws://example.com:8080'), { headers: { 'X-A': 'b' } });
    const values = Object.fromEntries(fields);
    assert.deepEqual([values[':scheme'], values[':authority'], values[':path']], ['http', 'example.com:8080', '/']);
    assert.equal(values['x-a'], 'b');
  });

  for (const name of ['Connection', 'Upgrade', 'Keep-Alive', 'Proxy-Connection', 'TE', 'HTTP2-Settings', 'Host']) {
    test(`${name} cannot be set`, () => {
      assert.throws(
        () => encodeExtendedConnect(uri, { headers: { [name]: 'x' } }),
        (error) => error instanceof HandshakeUsageError && error.code === 'PB_HEADER_RESERVED',
      );
    });
  }

  test('an origin that is none', () => {
    assert.throws(() => encodeExtendedConnect(uri, { origin: 'x' }), { code: 'PB_ORIGIN_INVALID' });
  });
});

describe('its answer', () => {
  const request = encodeExtendedConnect(uri, {
    subprotocols: ['chat'],
    extensions: [{ name: 'permessage-deflate', parameters: new Map(), duplicated: false }],
  });
  const check = (status: number, rawHeaders: readonly string[], rules = {}) =>
    checkExtendedAnswer(request, { status, rawHeaders }, rules);

  test('any 2xx accepts (RFC 9110 §9.3.6), without Upgrade, Connection and Sec-WebSocket-Accept', () => {
    for (const status of [200, 201, 299]) assert.ok(check(status, ['sec-websocket-protocol', 'chat']).ok);
    for (const status of [101, 199, 300, 401, 500]) {
      const answer = check(status, []);
      assert.ok(!answer.ok && answer.code === 'PB_ANSWER_STATUS' && answer.status === status);
      assert.equal(isTunnelOpen(status), false);
    }
  });

  for (const [title, fields, rules, code] of [
    ['a subprotocol that was not asked for', ['sec-websocket-protocol', 'x'], {}, 'PB_ANSWER_SUBPROTOCOL_UNEXPECTED'],
    ['no subprotocol, where one is required', [], { requireSubprotocol: true }, 'PB_ANSWER_SUBPROTOCOL_MISSING'],
    ['extensions that are none', ['sec-websocket-extensions', '='], {}, 'PB_ANSWER_EXTENSIONS_INVALID'],
    ['a value with a control character', ['x', 'a\0'], {}, 'PB_ANSWER_FIELD_INVALID'],
    ['too many fields', ['a', 'b', 'c', 'd'], { limits: { maxFields: 1, maxBytes: 99 } }, 'PB_ANSWER_TOO_MANY_FIELDS'],
  ] as const) {
    test(`${title} fails`, () => {
      const answer = check(200, fields, rules);
      assert.ok(!answer.ok);
      assert.equal(answer.code, code);
    });
  }
});
