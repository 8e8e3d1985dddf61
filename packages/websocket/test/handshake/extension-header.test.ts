import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandshakeUsageError, parseExtensions, serializeExtensions } from '#dist/handshake/index.js';

const PMD = 'permessage-deflate';

test('the offers of today are read', () => {
  assert.deepEqual(parseExtensions(`${PMD}; client_max_window_bits`), [
    { name: PMD, parameters: new Map([['client_max_window_bits', true]]), duplicated: false },
  ]);
  const value = `${PMD}; server_no_context_takeover; server_max_window_bits="10", x-webkit-deflate-frame`;
  assert.deepEqual(parseExtensions(value), [
    {
      name: PMD,
      parameters: new Map<string, string | true>([
        ['server_no_context_takeover', true],
        ['server_max_window_bits', '10'],
      ]),
      duplicated: false,
    },
    { name: 'x-webkit-deflate-frame', parameters: new Map(), duplicated: false },
  ]);
});

test('names of Object.prototype are names like any other (CVE-2020-7662 and its kin)', () => {
  const [extension] = parseExtensions('constructor; __proto__=1; toString') ?? [];
  assert.equal(extension?.name, 'constructor');
  assert.equal(extension?.parameters.get('__proto__'), '1');
  assert.equal(extension?.parameters.get('toString'), true);
  assert.equal(extension?.parameters.get('valueOf'), undefined);
  assert.equal(extension?.duplicated, false);
});

test('each element says for itself whether a parameter was doubled', () => {
  const extensions = parseExtensions('a; x; x, b; x; y, c; x=1; y; x=1');
  assert.deepEqual(
    extensions?.map(({ duplicated }) => duplicated),
    [true, false, true],
  );
});

test('parameters are written with their value, or without one', () => {
  const value = 'a; x; y=1, b, c; z';
  assert.equal(serializeExtensions(parseExtensions(value) ?? []), value);
});

test('what is not a token cannot be written', () => {
  const wrong = [
    { name: 'a b', parameters: new Map() },
    { name: '', parameters: new Map() },
    { name: 'a', parameters: new Map([['b;', true as const]]) },
    { name: 'a', parameters: new Map([['b', 'c d']]) },
    { name: 'a', parameters: new Map([['b', '']]) },
    { name: 'a', parameters: new Map([['b', 'c\r\nX: y']]) },
  ];
  for (const extension of wrong) {
    assert.throws(
      () => serializeExtensions([{ ...extension, duplicated: false }]),
      (error) => error instanceof HandshakeUsageError && error.code === 'PB_EXTENSION_INVALID',
    );
  }
  assert.equal(serializeExtensions([]), '');
});
