import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  encodeAccept,
  HandshakeUsageError,
  isWebSocketUpgrade,
  REFUSALS,
  readHandshake,
} from '#dist/handshake/index.js';
import { answerOf, makeRequest, parseHead, RFC_KEY, requireHandshake, requireRefusal } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof HandshakeUsageError && error.code === code;

describe('limits', () => {
  test('more than 100 fields are refused with 431', () => {
    const extra = Object.fromEntries(Array.from({ length: 95 }, (_, index) => [`X-${index}`, 'x']));
    assert.equal(readHandshake(makeRequest(extra)).ok, true);
    const refusal = requireRefusal(readHandshake(makeRequest({ ...extra, 'X-Last': 'x' })));
    assert.equal(refusal.code, 'PB_HANDSHAKE_TOO_MANY_FIELDS');
    assert.equal(answerOf(refusal).startLine, 'HTTP/1.1 431 Request Header Fields Too Large');
    const limits = { maxFields: 101, maxBytes: 16_384 };
    assert.equal(readHandshake(makeRequest({ ...extra, 'X-Last': 'x' }), limits).ok, true);
  });

  test('more than 16 KiB of fields are refused with 431', () => {
    const refusal = requireRefusal(readHandshake(makeRequest({ 'X-Big': 'a'.repeat(16_384) })));
    assert.equal(refusal.code, 'PB_HANDSHAKE_FIELDS_TOO_LARGE');
    assert.equal(refusal.status, 431);
    const limits = { maxFields: 100, maxBytes: 20_000 };
    assert.equal(readHandshake(makeRequest({ 'X-Big': 'a'.repeat(16_384) }), limits).ok, true);
  });
});

describe('what else is refused', () => {
  test('a field with CR, LF or NUL', () => {
    for (const value of ['a\rb', 'a\nb', 'a\0b']) {
      const refusal = requireRefusal(readHandshake(makeRequest({ 'X-Any': value })));
      assert.equal(refusal.code, 'PB_HANDSHAKE_FIELD_INVALID');
      assert.equal(refusal.status, 400);
    }
  });

  test('a handshake with a body (request smuggling)', () => {
    for (const fields of [
      { 'Content-Length': '5' },
      { 'Transfer-Encoding': 'chunked' },
      { 'Content-Length': ['0', '5'] },
    ]) {
      const refusal = requireRefusal(readHandshake(makeRequest(fields)));
      assert.equal(refusal.code, 'PB_HANDSHAKE_CONTENT');
      assert.equal(refusal.status, 400);
    }
    assert.equal(readHandshake(makeRequest({ 'Content-Length': '0' })).ok, true);
  });

  test('a request with nothing in it', () => {
    const empty = { method: 'GET', url: '/', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders: [] };
    assert.equal(requireRefusal(readHandshake(empty)).code, 'PB_HANDSHAKE_HOST_MISSING');
    assert.equal(isWebSocketUpgrade([]), false);
    assert.equal(isWebSocketUpgrade(['Upgrade']), false);
    assert.equal(isWebSocketUpgrade(['Upgrade', 'websocket']), true);
  });
});

test('whitespace around the values of a request is no part of them', () => {
  const fields = { Host: ' server.example.com\t', 'Sec-WebSocket-Version': '\t13 ', Origin: ' http://a ' };
  const handshake = requireHandshake(readHandshake(makeRequest(fields)));
  assert.equal(handshake.host, 'server.example.com');
  assert.equal(handshake.origin, 'http://a');
});

test('Upgrade may name other protocols beside websocket, with versions', () => {
  for (const upgrade of ['websocket, a/1', 'a/b, websocket', 'IRC/6.9, websocket']) {
    assert.equal(readHandshake(makeRequest({ Upgrade: upgrade })).ok, true, upgrade);
  }
});

describe('the same request without one of its fields, or with one of them doubled', () => {
  const { rawHeaders, ...rest } = makeRequest({
    Origin: 'http://a',
    'Sec-WebSocket-Protocol': 'a',
    'Sec-WebSocket-Extensions': 'b',
  });
  const lines = Array.from({ length: rawHeaders.length / 2 }, (_, index) => rawHeaders.slice(index * 2, index * 2 + 2));

  test('is read, or refused by name', () => {
    const outcome = (changed: string[][]): string => {
      const result = readHandshake({ ...rest, rawHeaders: changed.flat() });
      return result.ok ? 'read' : result.code;
    };
    const missing = lines.map((line) => [line[0], outcome(lines.filter((other) => other !== line))]);
    assert.deepEqual(missing, [
      ['Host', 'PB_HANDSHAKE_HOST_MISSING'],
      ['Upgrade', 'PB_HANDSHAKE_UPGRADE_MISSING'],
      ['Connection', 'PB_HANDSHAKE_CONNECTION'],
      ['Sec-WebSocket-Key', 'PB_HANDSHAKE_KEY_MISSING'],
      ['Sec-WebSocket-Version', 'PB_HANDSHAKE_VERSION_MISSING'],
      ['Origin', 'read'],
      ['Sec-WebSocket-Protocol', 'read'],
      ['Sec-WebSocket-Extensions', 'read'],
    ]);
    const doubled = lines.map((line) => [line[0], outcome([...lines, line])]);
    assert.deepEqual(doubled, [
      ['Host', 'PB_HANDSHAKE_HOST_REPEATED'],
      ['Upgrade', 'read'],
      ['Connection', 'read'],
      ['Sec-WebSocket-Key', 'PB_HANDSHAKE_KEY_REPEATED'],
      ['Sec-WebSocket-Version', 'PB_HANDSHAKE_VERSION_REPEATED'],
      ['Origin', 'PB_HANDSHAKE_ORIGIN_REPEATED'],
      ['Sec-WebSocket-Protocol', 'PB_HANDSHAKE_SUBPROTOCOLS_REPEATED'],
      ['Sec-WebSocket-Extensions', 'read'],
    ]);
  });
});

describe('encodeAccept', () => {
  const handshake = { key: RFC_KEY, subprotocols: [], extensions: [] };
  const headers = (input: NonNullable<Parameters<typeof encodeAccept>[2]>['headers']) =>
    parseHead(encodeAccept(testPlatform, handshake, { headers: input })).fields.slice(3);

  test('takes headers as an object, as pairs, or as a Headers object', () => {
    const expected = [
      ['x-a', '1'],
      ['x-b', '2'],
      ['x-b', '3'],
    ];
    assert.deepEqual(headers({ 'X-A': '1', 'X-B': ['2', '3'], 'X-C': undefined, 'X-D': [] }), expected);
    assert.deepEqual(
      headers([
        ['X-A', '1'],
        ['X-B', '2'],
        ['X-B', '3'],
      ]),
      expected,
    );
    assert.deepEqual(
      headers(
        new Headers([
          ['X-A', '1'],
          ['X-B', '2'],
        ]),
      ),
      expected.slice(0, 2),
    );
    assert.deepEqual(headers(undefined), []);
    // JavaScript callers write numbers.
    assert.deepEqual(headers({ 'X-A': 1, 'X-B': [2, 3] } as unknown as Record<string, string>), expected);
  });

  test('lets no header end its line', () => {
    for (const value of ['a\r\nX-Evil: 1', 'a\n', '\r', 'a\0b', 'a\x7f', '\u0100', '\u560d\u560a']) {
      assert.throws(() => headers({ 'X-A': value }), hasCode('PB_HEADER_VALUE_INVALID'), JSON.stringify(value));
      assert.throws(() => headers({ 'X-A': ['ok', value] }), hasCode('PB_HEADER_VALUE_INVALID'));
      assert.throws(() => headers([['X-A', value]]), hasCode('PB_HEADER_VALUE_INVALID'));
    }
    for (const name of ['', 'a b', 'a:', 'a\r\nb', 'ä', 'a\0']) {
      assert.throws(() => headers([[name, 'x']]), hasCode('PB_HEADER_NAME_INVALID'), JSON.stringify(name));
    }
  });

  test('says in the error what was wrong', () => {
    assert.throws(() => headers({ 'X-A': 'a\r\nb' }), { message: /"a\\r\\nb" \(X-A\)$/ });
    assert.throws(
      () => headers({ 'X-A': `${'a'.repeat(5000)}\n` }),
      (error: Error) => error.message.length < 300,
    );
  });

  test('writes bytes above ASCII as they are', () => {
    assert.deepEqual(headers({ 'X-A': 'caf\u00e9\t!' }), [['x-a', 'caf\u00e9\t!']]);
  });
});

test('a handshake tells its fields lazily, from the headers as received', () => {
  const handshake = requireHandshake(readHandshake(makeRequest({ 'X-Any': ['a', 'b'] })));
  assert.deepEqual([...handshake.fields].slice(-2), [
    ['X-Any', 'a'],
    ['X-Any', 'b'],
  ]);
});

test('every code by which a request is refused while reading is in the table with a status of its own class', () => {
  for (const [code, { status, section, message }] of Object.entries(REFUSALS)) {
    assert.match(code, /^PB_HANDSHAKE_[A-Z_]+$/);
    assert.ok(status >= 400 && status <= 503, code);
    assert.match(section, /^RFC \d+ §[\d.]+$/, code);
    assert.match(message, /^[a-zA-Z][ -~]+[^.]$/, code);
  }
});
