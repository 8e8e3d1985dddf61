import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPort, parseAuthority } from '#dist/handshake/authority.js';

test('hosts and ports', () => {
  const cases: Record<string, [host: string, port: number | undefined]> = {
    'example.com': ['example.com', undefined],
    'Example.COM:8080': ['example.com', 8080],
    'example.com:': ['example.com', undefined],
    'example.com.': ['example.com.', undefined],
    'localhost:0': ['localhost', 0],
    'localhost:65535': ['localhost', 65535],
    'localhost:00080': ['localhost', 80],
    'a_b-c.d~e': ['a_b-c.d~e', undefined],
    "a!$&'()*+,;=b": ["a!$&'()*+,;=b", undefined],
    '%C3%BC:1': ['%c3%bc', 1],
    '127.0.0.1:1': ['127.0.0.1', 1],
    '[::1]': ['[::1]', undefined],
    '[::1]:8080': ['[::1]', 8080],
    '[::1]:': ['[::1]', undefined],
  };
  for (const [text, [host, port]] of Object.entries(cases))
    assert.deepEqual(parseAuthority(text), { host, port }, text);
});

test('what is neither', () => {
  const texts = [
    '',
    ':',
    ':80',
    ' ',
    'a b',
    'a:b',
    'a:1:2',
    'a:65536',
    'a:99999999999999999999',
    'a:+1',
    'a:1 ',
    'a/b',
    'a?b',
    'a#b',
    'u@a',
    'a\\b',
    'a[b',
    'a]b',
    'ä',
    'a\0',
    '%',
    'a%2',
    '%zz',
    '[',
    ']',
    '[]',
    '[::1',
    '::1]',
    '[::1]a',
    '[::1]a:80',
    'a[::1]',
    '\u212Aelvin',
  ];
  for (const text of texts) assert.equal(parseAuthority(text), undefined, text);
});

test('IPv6 addresses (RFC 3986 §3.2.2)', () => {
  const valid = [
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1::8',
    '2001:DB8::dead:BEEF',
    '::ffff:192.0.2.1',
    '64:ff9b::192.0.2.33',
    '1:2:3:4:5:6:1.2.3.4',
    '::1.2.3.4',
    '1:2:3:4:5::1.2.3.4',
    '::0.0.0.0',
    '::255.255.255.255',
  ];
  for (const address of valid) {
    assert.deepEqual(parseAuthority(`[${address}]`), { host: `[${address.toLowerCase()}]`, port: undefined }, address);
  }
  const invalid = [
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    '12345::',
    'g::',
    '::g',
    '1:',
    ':1',
    '1::2:',
    '::1.2.3',
    '::1.2.3.4.5',
    '::256.1.1.1',
    '::01.2.3.4',
    '1.2.3.4::',
    '1.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1%eth0',
    '::1%25eth0',
    'v1.a',
    ' ::1',
  ];
  for (const address of invalid) assert.equal(parseAuthority(`[${address}]`), undefined, address);
});

test('default ports', () => {
  assert.deepEqual(['http', 'ws', 'https', 'wss', 'ftp', ''].map(defaultPort), [
    80,
    80,
    443,
    443,
    undefined,
    undefined,
  ]);
});
