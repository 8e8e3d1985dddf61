import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  equalsIgnoringCase,
  isSendableValue,
  isToken,
  parseTokenList,
  splitList,
  startsIgnoringCase,
  trimWhitespace,
} from '#dist/handshake/tokens.js';

test('a token is made of tchar alone (RFC 9110 §5.6.2)', () => {
  const delimiters = new Set('(),/:;<=>?@[\\]{}"');
  for (let code = 0; code <= 0x200; code++) {
    const character = String.fromCharCode(code);
    const expected = code > 0x20 && code < 0x7f && !delimiters.has(character);
    assert.equal(isToken(character), expected, `U+${code.toString(16)}`);
    assert.equal(isToken(`a${character}`), expected);
  }
  assert.equal(isToken(''), false);
});

test('only spaces and tabs are trimmed', () => {
  assert.equal(trimWhitespace(' \t a b\t '), 'a b');
  assert.equal(trimWhitespace(''), '');
  assert.equal(trimWhitespace(' \t '), '');
  assert.equal(trimWhitespace('\u00a0a\v'), '\u00a0a\v');
});

test('case is ignored for ASCII letters alone', () => {
  assert.equal(equalsIgnoringCase('WebSocket', 'websocket'), true);
  assert.equal(equalsIgnoringCase('websocke', 'websocket'), false);
  assert.equal(equalsIgnoringCase('websoc\u212Aet', 'websocket'), false);
  assert.equal(equalsIgnoringCase('AZ', 'az'), true);
  // These differ by the same bit as letters do, but are none.
  assert.equal(equalsIgnoringCase('@[', '`{'), false);
  assert.equal(startsIgnoringCase('SEC-fetch-x', 'sec-fetch-'), true);
  assert.equal(startsIgnoringCase('Sec-Fetch-', 'sec-fetch-'), true);
  assert.equal(startsIgnoringCase('sec-', 'sec-fetch-'), false);
  assert.equal(startsIgnoringCase('sec_fetch_x', 'sec-fetch-'), false);
});

test('lists leave out empty elements', () => {
  assert.deepEqual(splitList(' a ,, b c\t,'), ['a', 'b c']);
  assert.deepEqual(parseTokenList('a,,b'), ['a', 'b']);
  assert.deepEqual(parseTokenList(','), []);
  assert.equal(parseTokenList('a, b c'), undefined);
});

test('values that are sent hold no control characters and fit into bytes (RFC 9110 §5.5)', () => {
  for (let code = 0; code <= 0x101; code++) {
    const expected = code === 9 || (code >= 0x20 && code <= 0xff && code !== 0x7f);
    assert.equal(isSendableValue(`a${String.fromCharCode(code)}b`), expected, `U+${code.toString(16)}`);
  }
  assert.equal(isSendableValue(''), true);
});
