import { bytes, utf8 } from './frames.ts';

/** Text whose every character takes a different way through a UTF-8 decoder. */
export const VALID_TEXTS: readonly string[] = [
  '',
  'a',
  'Hello',
  '\u0000\u007f',
  '\u0080\u07ff',
  '\u0800\u0fff\u1000\ucfff\ud000\ud7ff\ue000\ufffd\uffff',
  '\u{10000}\u{3ffff}\u{40000}\u{fffff}\u{100000}\u{10ffff}',
  '\ufeffbyte order mark',
  'κόσμε',
  'Жлыжы — ☃ — 漢字 — 👩‍👩‍👧‍👦',
  'é'.repeat(30),
  '𝄞'.repeat(15),
];

/**
 * Bytes that no UTF-8 text contains (Unicode table 3-7), each with how many bytes come before the first bad one. A
 * sequence that is only cut short has no bad byte: there it is its length.
 */
export const INVALID_SEQUENCES: readonly { readonly why: string; readonly bytes: Uint8Array; readonly good: number }[] =
  [
    { why: 'a continuation byte alone', bytes: bytes(0x80), good: 0 },
    { why: 'the last continuation byte alone', bytes: bytes(0xbf), good: 0 },
    { why: 'an overlong NUL', bytes: bytes(0xc0, 0x80), good: 0 },
    { why: 'an overlong slash', bytes: bytes(0xc0, 0xaf), good: 0 },
    { why: 'an overlong form of U+007F', bytes: bytes(0xc1, 0xbf), good: 0 },
    { why: 'an overlong form in three bytes', bytes: bytes(0xe0, 0x80, 0xaf), good: 1 },
    { why: 'the greatest overlong form in three bytes', bytes: bytes(0xe0, 0x9f, 0xbf), good: 1 },
    { why: 'an overlong form in four bytes', bytes: bytes(0xf0, 0x80, 0x80, 0xaf), good: 1 },
    { why: 'the greatest overlong form in four bytes', bytes: bytes(0xf0, 0x8f, 0xbf, 0xbf), good: 1 },
    { why: 'the first surrogate', bytes: bytes(0xed, 0xa0, 0x80), good: 1 },
    { why: 'the last surrogate', bytes: bytes(0xed, 0xbf, 0xbf), good: 1 },
    { why: 'a surrogate pair (CESU-8)', bytes: bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80), good: 1 },
    { why: 'a code point above U+10FFFF', bytes: bytes(0xf4, 0x90, 0x80, 0x80), good: 1 },
    { why: 'a lead byte of the range above U+10FFFF', bytes: bytes(0xf5, 0x80, 0x80, 0x80), good: 0 },
    { why: 'five bytes', bytes: bytes(0xf8, 0x88, 0x80, 0x80, 0x80), good: 0 },
    { why: 'six bytes', bytes: bytes(0xfc, 0x84, 0x80, 0x80, 0x80, 0x80), good: 0 },
    { why: 'the byte FE', bytes: bytes(0xfe), good: 0 },
    { why: 'the byte FF', bytes: bytes(0xff), good: 0 },
    { why: 'two bytes cut after the first', bytes: bytes(0xc3), good: 1 },
    { why: 'three bytes cut after the second', bytes: bytes(0xe2, 0x82), good: 2 },
    { why: 'four bytes cut after the third', bytes: bytes(0xf0, 0x9f, 0x98), good: 3 },
    { why: 'a lead byte followed by ASCII', bytes: bytes(0xc3, 0x28), good: 1 },
    { why: 'the third byte is ASCII', bytes: bytes(0xe2, 0x82, 0x28), good: 2 },
    { why: 'the fourth byte is ASCII', bytes: bytes(0xf0, 0x9f, 0x98, 0x28), good: 3 },
    { why: 'a lead byte followed by a lead byte', bytes: bytes(0xe2, 0xe2, 0x82, 0xac), good: 1 },
    { why: 'one continuation byte too many', bytes: bytes(0xc3, 0xa9, 0xa9), good: 2 },
  ];

/** The famous example: "κόσμε", a surrogate, and "edited". */
export const KOSME_SURROGATE_EDITED: Uint8Array = Uint8Array.from([
  ...utf8('κόσμε'),
  0xed,
  0xa0,
  0x80,
  ...utf8('edited'),
]);
