import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BINARY_TYPE, checkJsonPayload, JSON_TYPE, parsePayloadType, TEXT_TYPE } from '@pulsebeacon/wire';

test('the kind follows from the content type', () => {
  for (const [contentType, kind] of [
    [JSON_TYPE, 'json'],
    ['Application/JSON', 'json'],
    ['application/problem+json', 'json'],
    ['application/ld+json;charset="UTF-8"', 'json'],
    ['application/json; x="; charset=utf-16"', 'json'],
    [TEXT_TYPE, 'text'],
    ['text/html', 'text'],
    ['text/plain;charset=us-ascii', 'text'],
    ['text/plain ; charset="utf\\-8" ; format=flowed', 'text'],
    ['text/plain;', 'text'],
    ['text/plain; ;charset=UTF8; ', 'text'],
    ["text/plain; a=!#$%&'*+.^_`|~-", 'text'],
    [BINARY_TYPE, 'binary'],
    ['image/png', 'binary'],
    ['application/octet-stream; charset=utf-16', 'binary'],
    ['multipart/form-data; boundary="a b"', 'binary'],
    ['application/jsonx', 'binary'],
    ['a/b', 'binary'],
  ] as const) {
    assert.deepEqual(parsePayloadType(contentType), { kind, contentType });
  }
});

test('the form type, which curl sends unasked, is text', () => {
  for (const value of ['application/x-www-form-urlencoded', 'Application/X-WWW-Form-Urlencoded; charset=utf-8']) {
    assert.deepEqual(parsePayloadType(value), { kind: 'text', contentType: TEXT_TYPE });
  }
});

test('what is no content type, or could not stand in a header field, is refused', () => {
  for (const value of [
    '',
    'text',
    'text/',
    '/plain',
    ' text/plain',
    'text/plain, text/html',
    'text/plain charset=utf-8',
    'text/plain; charset',
    'text/plain; charset=',
    'text/plain; charset ="utf-8"',
    'text/plain; charset="utf-8',
    'text/plain; charset=utf-8"',
    'text/plain; a="b"c',
    'text/plain; a="\\',
    'text/plain;\r\n charset=utf-8',
    'text/plain\r\nSet-Cookie: a=b',
    'text/plain\n',
    'text/plain; a="\0"',
    'text/plain; a="\\\n"',
    'text/plain; a="\u00e9"',
    'text/plain; a=\u2028',
    'text/plain\u00a0',
    'text/plain;\u3000a=b',
    'text/*',
    '*/*',
    `text/plain; a=${'a'.repeat(200)}`,
  ]) {
    assert.throws(() => parsePayloadType(value), { code: 'PB_MEDIA_TYPE', message: /^[ -~]*$/ }, JSON.stringify(value));
  }
});

test('text in another encoding than UTF-8 is refused, wherever it says so', () => {
  for (const value of [
    'text/plain; charset=utf-16',
    'text/plain;charset=ISO-8859-1',
    'text/plain; CHARSET="latin1"',
    'text/plain; charset=""',
    'text/plain; charset=utf-8; charset=utf-16',
    'text/plain; x="; charset=utf-8"; charset=utf-7',
    'application/json; charset=utf-32',
    'application/x-www-form-urlencoded; charset=latin1',
  ]) {
    assert.throws(() => parsePayloadType(value), { code: 'PB_PAYLOAD_CHARSET' }, value);
  }
});

test('a JSON payload is one JSON value', () => {
  for (const text of [
    'null',
    ' 1 ',
    '"\u2028"',
    '{"a":1,"a":2}',
    '{"__proto__":1}',
    '1e400',
    '[\r\n1\r\n]',
    '"\\ud800"',
  ]) {
    checkJsonPayload(text);
  }
  for (const text of [
    '',
    ' ',
    '1 2',
    '{a:1}',
    '\ufeff1',
    'NaN',
    '01',
    "'a'",
    '"\n"',
    '[1,]',
    '"\\u{1}"',
    ']'.repeat(9),
  ]) {
    assert.throws(() => checkJsonPayload(text), { code: 'PB_PAYLOAD_INVALID', message: /^[ -~]+$/ }, text);
  }
});

test('JSON is nested 32 levels deep and no deeper', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  checkJsonPayload(nested(32));
  checkJsonPayload(`[${nested(31)},${nested(31)}]`);
  checkJsonPayload(`["${'['.repeat(100)}","\\"[[${'{'.repeat(100)}"]`);
  const refused = { code: 'PB_MESSAGE_DEPTH' };
  assert.throws(() => checkJsonPayload(nested(33)), refused);
  assert.throws(() => checkJsonPayload('{"a":'.repeat(33)), refused);
  assert.throws(() => checkJsonPayload(nested(100_000)), refused);
  assert.throws(() => checkJsonPayload('['.repeat(100_000)), refused);
  assert.throws(() => checkJsonPayload(`"\\\\"${nested(33)}`), refused);
  // Closed before it was opened: the parser stops at the first.
  assert.throws(() => checkJsonPayload(']'.repeat(100_000) + '['.repeat(100_000)), { code: 'PB_PAYLOAD_INVALID' });
});
