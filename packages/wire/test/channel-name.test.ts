import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { MAX_NAME_BYTES, parseChannelName, parseChannelSegment, utf8Length } from '@pulsebeacon/wire';

const refused = { name: 'WireError', code: 'PB_CHANNEL_NAME' };

const NAMES = [
  'news',
  'News',
  'chat:room-1',
  'a.b_c~d:e@f-g',
  '...',
  '.hidden',
  '0',
  'caf\u00e9',
  '\u0928\u092e\u0938\u094d\u0924\u0947',
  '\u6771\u4eac',
  '\u05e9\u05dc\u05d5\u05dd',
  '\u0664\u0662',
  '\u{1d49c}',
  '__proto__',
  'constructor',
  'a'.repeat(255),
  '\u00e9'.repeat(127),
  '\u{1d49c}'.repeat(63),
];

const NO_NAMES: readonly (readonly [what: string, text: string])[] = [
  ['empty', ''],
  ['a dot', '.'],
  ['two dots', '..'],
  ['a slash', 'a/b'],
  ['a backslash', 'a\\b'],
  ['dots and a slash', '../a'],
  ['a space', 'a b'],
  ['a space behind', 'a '],
  ['a line end', 'a\n'],
  ['CRLF', 'a\r\nb'],
  ['NUL', 'a\0'],
  ['DEL', 'a\x7f'],
  ['a percent sign', 'a%62'],
  ['a plus', 'a+b'],
  ['a star', 'a*'],
  ['a question mark', 'a?b'],
  ['a hash', 'a#b'],
  ['a comma', 'a,b'],
  ['a semicolon', 'a;b'],
  ['brackets', 'a[0]'],
  ['quotes', 'a"b'],
  ['an angle', '<a>'],
  ['NFD', 'cafe\u0301'],
  ['a compatibility form that NFC changes', '\u212b'],
  ['zero width space', 'a\u200bb'],
  ['zero width joiner', 'a\u200db'],
  ['zero width non-joiner', 'a\u200cb'],
  ['word joiner', 'a\u2060b'],
  ['byte order mark', '\ufeffa'],
  ['soft hyphen', 'a\u00adb'],
  ['right-to-left mark', 'a\u200fb'],
  ['right-to-left override', 'a\u202eb'],
  ['isolate', 'a\u2066b'],
  ['variation selector, a mark', 'a\ufe0f'],
  ['variation selector 17, a mark', 'a\u{e0100}'],
  ['combining grapheme joiner, a mark', 'a\u034fb'],
  ['Hangul filler, a letter', '\u3164'],
  ['halfwidth Hangul filler, a letter', '\uffa0'],
  ['Khmer inherent vowel, a mark', 'a\u17b4'],
  ['a tag', 'a\u{e0061}'],
  ['no-break space', 'a\u00a0b'],
  ['ideographic space', 'a\u3000b'],
  ['line separator', 'a\u2028b'],
  ['paragraph separator', 'a\u2029b'],
  ['next line', 'a\u0085b'],
  ['fullwidth slash', 'a\uff0fb'],
  ['fullwidth full stop', '\uff0e'],
  ['one dot leader', '\u2024'],
  ['emoji', 'a\u{1f600}'],
  ['emoji with a joiner', '\u{1f468}\u200d\u{1f469}'],
  ['private use', 'a\ue000'],
  ['not assigned', 'a\u0378'],
  ['lone high surrogate', 'a\ud83d'],
  ['lone low surrogate', '\ude00a'],
  ['surrogates in the wrong order', '\ude00\ud83d'],
  ['256 bytes', 'a'.repeat(256)],
  ['256 bytes of two each', '\u00e9'.repeat(128)],
  ['256 bytes of four each', '\u{1d49c}'.repeat(64)],
  ['a mebibyte', 'a'.repeat(1024 * 1024)],
];

test('a name is returned as it is', () => {
  assert.equal(MAX_NAME_BYTES, 255);
  for (const name of NAMES) {
    assert.equal(parseChannelName(name), name);
    assert.equal(parseChannelSegment(encodeURIComponent(name)), name);
  }
});

for (const [what, text] of NO_NAMES) {
  test(`no name: ${what}`, () => {
    assert.throws(() => parseChannelName(text), refused);
    // What has no form in UTF-8 has none in a URL either.
    const segment = /\p{Cs}/u.test(text) ? '%ED%A0%BD' : encodeURIComponent(text);
    assert.throws(() => parseChannelSegment(segment), refused);
  });
}

test('a refusal says what it was, in printable ASCII, and why', () => {
  assert.throws(() => parseChannelName('a\u202e\n'), { message: /^"a\\u202e\\n" is no name of a channel: [ -~]+$/ });
  assert.throws(() => parseChannelName('a'.repeat(1000)), { message: /^"a{100}\.\.\." .*255 bytes/ });
  assert.throws(() => parseChannelName('cafe\u0301'), { message: /form C/ });
});

test('names differ by case, and by nothing that is folded', () => {
  for (const [one, other] of [
    ['news', 'News'],
    ['stra\u00dfe', 'strasse'],
    ['\uff41', 'a'],
  ] as const) {
    assert.notEqual(parseChannelName(one), parseChannelName(other));
  }
});

test('a segment of a URL is percent-decoded once', () => {
  for (const [segment, name] of [
    ['news', 'news'],
    ['%6eews', 'news'],
    ['chat%3Aroom', 'chat:room'],
    ['caf%C3%A9', 'caf\u00e9'],
    ['caf%c3%a9', 'caf\u00e9'],
    ['%2e%2e%2E', '...'],
  ] as const) {
    assert.equal(parseChannelSegment(segment), name);
  }
});

test('a segment that is none', () => {
  for (const segment of [
    '',
    '%2e',
    '%2E%2e',
    'a%2Fb',
    'a%2fb',
    'a%5Cb',
    'a%252Fb',
    '%2565',
    '%00',
    'a%0d%0a',
    'a%20b',
    'a+b',
    '%',
    '%4',
    '%zz',
    '%u0061',
    // Not UTF-8: Latin-1, an overlong slash, a surrogate, what is beyond Unicode, one that is cut.
    'caf%E9',
    '%C0%AF',
    '%ED%A0%80',
    '%F4%90%80%80',
    'caf%C3',
    'cafe%CC%81',
    // Raw bytes, as HTTP parsers hand them over: that would be the name of another channel.
    Buffer.from('caf\u00ea').toString('latin1'),
    'caf\u00e9',
    'a/b',
    'a b',
  ]) {
    assert.throws(() => parseChannelSegment(segment), refused, segment);
  }
});

test('utf8Length counts what an encoder makes of text', () => {
  for (const text of [
    '',
    'a',
    '\x7f\x80\u07ff\u0800\uffff',
    '\u{10000}\u{10ffff}',
    '\ud83d',
    'a\ud83da',
    '\ude00\ud83d\ude00',
  ]) {
    assert.equal(utf8Length(text), Buffer.byteLength(text), JSON.stringify(text));
  }
});
