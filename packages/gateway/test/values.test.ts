// How the values of options are read.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { duration, list, origin, publicUrl, size } from '#dist/commands/values.js';
import { parseListenTarget } from '#dist/listen/target.js';

const reads = <T>(read: (text: string) => T, cases: readonly (readonly [string, T])[]): void => {
  for (const [text, value] of cases) it(`reads ${text}`, () => assert.deepEqual(read(text), value));
};
const refuses = (read: (text: string) => unknown, cases: readonly string[]): void => {
  for (const text of cases) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => read(text), { code: 'commander.invalidArgument' }));
  }
};

describe('size', () => {
  reads(size, [
    ['0', 0],
    ['65536', 65_536],
    ['10B', 10],
    ['64KiB', 65_536],
    ['64 kib', 65_536],
    ['1MiB', 1_048_576],
    ['2GiB', 2_147_483_648],
  ]);
  refuses(size, ['', '-1', '1.5MiB', '64KB', 'KiB', '9007199254740992', '8388608GiB']);
});

describe('duration', () => {
  reads(duration, [
    ['0', 0],
    ['10', 10_000],
    ['10s', 10_000],
    ['1.5s', 1500],
    ['500ms', 500],
    ['2min', 120_000],
    ['2m', 120_000],
  ]);
  refuses(duration, ['', 's', '-1s', '1h', '1e3', '25d', '2147484s']);
});

describe('listen address', () => {
  const tcp = (host: string, port: number, scheme?: 'http' | 'https'): unknown => ({
    scheme,
    where: { kind: 'tcp', host, port },
  });
  reads(parseListenTarget as (text: string) => unknown, [
    ['8080', tcp('127.0.0.1', 8080)],
    ['0', tcp('127.0.0.1', 0)],
    ['0.0.0.0:80', tcp('0.0.0.0', 80)],
    ['example.com:80', tcp('example.com', 80)],
    ['[::1]:8080', tcp('::1', 8080)],
    ['http://127.0.0.1:8080', tcp('127.0.0.1', 8080, 'http')],
    ['https://[::]:8443/', tcp('::', 8443, 'https')],
    ['HTTPS://8443', tcp('127.0.0.1', 8443, 'https')],
    ['unix:/run/x.sock', { scheme: undefined, where: { kind: 'unix', path: '/run/x.sock' } }],
    ['unix:x.sock', { scheme: undefined, where: { kind: 'unix', path: 'x.sock' } }],
  ]);
  for (const text of [
    '',
    ':',
    ':8080',
    'host:',
    'host',
    '::1',
    '[::1]',
    '[::1',
    '[x]:1',
    'a:b:c',
    'ftp://a:1',
    'a:99999',
    'a:1/b',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(typeof parseListenTarget(text), 'string'));
  }
});

describe('origin and public URL', () => {
  const same = (text: string): readonly [string, string] => [text, text];
  reads(
    origin,
    ['*', 'null', 'https://example.com', 'http://localhost:3000', 'http://[::1]:3000', 'capacitor://localhost'].map(
      same,
    ),
  );
  refuses(origin, [
    '',
    'example.com',
    'https://',
    'https://example.com/',
    'https://example.com/a',
    'https://a@example.com',
  ]);
  reads(publicUrl, ['https://example.com', 'http://example.com:8080/base', 'wss://example.com'].map(same));
  refuses(publicUrl, ['', 'example.com', 'ftp://example.com', 'https://', 'https:// x']);
});

describe('an option that is repeated', () => {
  it('adds up, and takes several with commas', () => {
    const read = list((text) => text.toUpperCase());
    assert.deepEqual(read('c, d', read('a,b', undefined)), ['A', 'B', 'C', 'D']);
    assert.deepEqual(read(' ,', undefined), []);
  });
});
