import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExtensions, parseSubprotocols, readHandshake, serializeExtensions } from '#dist/handshake/index.js';
import { makeRequest } from '../support/handshakes.ts';

const codeOf = (fields: Record<string, string>): string | undefined => {
  const result = readHandshake(makeRequest(fields));
  return result.ok ? undefined : result.code;
};

test('§4.3: version is a number from 0 to 255 without leading zeros; anything else is malformed', () => {
  for (const version of [
    '',
    '013',
    '0x0d',
    '+13',
    '-13',
    '13.0',
    '256',
    '300',
    '1000',
    '13a',
    '13 13',
    '13, 8',
    '１３',
  ]) {
    assert.equal(codeOf({ 'Sec-WebSocket-Version': version }), 'PB_HANDSHAKE_VERSION_INVALID', version);
  }
  for (let version = 0; version < 256; version++) {
    const expected = version === 13 ? undefined : 'PB_HANDSHAKE_VERSION_UNSUPPORTED';
    assert.equal(codeOf({ 'Sec-WebSocket-Version': String(version) }), expected);
  }
});

test('§4.3: Sec-WebSocket-Protocol is 1#token', () => {
  assert.deepEqual(parseSubprotocols("a,b\t,\t c, !#$%&'*+-.^_`|~09AZaz"), ['a', 'b', 'c', "!#$%&'*+-.^_`|~09AZaz"]);
  assert.deepEqual(parseSubprotocols(',, a ,,b,'), ['a', 'b'], 'empty elements do not count (RFC 9110 §5.6.1.2)');
  for (const value of ['', ' ', ',', ', ,', 'a b', 'a;b', 'a=b', '"a"', 'a/b', '(a)', 'ä', 'a\u00a0', 'a\x7f']) {
    assert.equal(parseSubprotocols(value), 'invalid', JSON.stringify(value));
  }
  assert.equal(codeOf({ 'Sec-WebSocket-Protocol': '' }), 'PB_HANDSHAKE_SUBPROTOCOLS_INVALID');
  assert.equal(codeOf({ 'Sec-WebSocket-Protocol': 'a b' }), 'PB_HANDSHAKE_SUBPROTOCOLS_INVALID');
});

test('§4.3: extension-param = token [ "=" (token | quoted-string) ]', () => {
  const [extension] = parseExtensions('foo; a; b=1; c="two"; d="\\t\\h\\ree"; e=1.5') ?? [];
  assert.deepEqual(
    [...(extension?.parameters ?? [])],
    [
      ['a', true],
      ['b', '1'],
      ['c', 'two'],
      ['d', 'three'],
      ['e', '1.5'],
    ],
  );
});

test('§4.3: the value of a quoted-string, after unescaping, MUST conform to token', () => {
  for (const value of [
    '""',
    '"a b"',
    '"a,b"',
    '"a;b"',
    '"\\""',
    '"\\\\"',
    '"a\\ b"',
    '"ä"',
    '"a',
    '"a\\',
    '"a\\"',
    '"',
    '"a"b',
  ]) {
    assert.equal(parseExtensions(`foo; a=${value}`), undefined, value);
  }
});

test('§4.3: whitespace may stand between any two parts (the implied *LWS rule)', () => {
  const [extension] = parseExtensions(' \tfoo \t; \ta \t= \t1 ;b\t=\t"2" ; c ') ?? [];
  assert.deepEqual(extension, {
    name: 'foo',
    parameters: new Map<string, string | true>([
      ['a', '1'],
      ['b', '2'],
      ['c', true],
    ]),
    duplicated: false,
  });
});

test('§4.3: extension-list = 1#extension', () => {
  assert.equal(serializeExtensions(parseExtensions(',, a ,\t,b;x=1,') ?? []), 'a, b; x=1');
  for (const value of ['', ' ', ',', ' ,\t, ']) assert.equal(parseExtensions(value), undefined, JSON.stringify(value));
});

test('§4.3: extension = extension-token *( ";" extension-param )', () => {
  const malformed = ['a;', 'a;;b', 'a; =1', 'a; b=', ';a', 'a b', 'a; b c', 'a; b=1 2', 'a=1', '"a"', 'a; "b"', 'a/b'];
  for (const value of [...malformed, ';', 'ä', 'a; ä', 'a;b=ä', 'a\0', '\u0161', 'a\u00a0', 'a\x0b']) {
    assert.equal(parseExtensions(value), undefined, JSON.stringify(value));
    assert.equal(parseExtensions(`ok, ${value}, ok`), undefined, JSON.stringify(value));
  }
});
