import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import { type ForwardedHeader, HeaderFields, readForwarded } from '#dist/handshake/index.js';

/** Proxies of ours: 10.*, and fd00::*. */
const isTrusted = (address: string): boolean => address.startsWith('10.') || address.startsWith('fd00:');
const isAddress = (text: string): boolean => isIP(text) !== 0;

/** `address port proto host`, a dash for what is not said. */
function told(header: ForwardedHeader, fields: readonly (readonly [name: string, value: string])[]): string {
  const forwarded = readForwarded(new HeaderFields(fields.flat()), { header, isTrusted, isAddress });
  if (forwarded === undefined) return 'nothing';
  const { address = '-', port = '-', proto = '-', host = '-' } = forwarded;
  return [address, port, proto, host].join(' ');
}

describe('Forwarded (RFC 7239)', () => {
  const cases: [value: string | string[], told: string][] = [
    ['for=192.0.2.43', '192.0.2.43 - - -'],
    ['for="_gazonk"', '- - - -'],
    ['For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17 4711 - -'],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', '192.0.2.60 - http -'],
    ['for=192.0.2.43, for=198.51.100.17', '198.51.100.17 - - -'],
    ['for=192.0.2.43;proto=https;host=a.example, for=10.0.0.1;proto=http;host=b', '192.0.2.43 - https a.example'],
    ['for=192.0.2.43, for=10.0.0.1;proto=http;host=b', '192.0.2.43 - http b'],
    ['for=forged;proto=https, for=192.0.2.43;proto=http', '192.0.2.43 - http -'],
    ['for=10.0.0.2', '10.0.0.2 - - -'],
    ['for=unknown;proto=HTTPS', '- - https -'],
    ['for=unknown, for=10.0.0.1', '- - - -'],
    ['proto=https;host="a.example:8443"', '- - https a.example:8443'],
    ['proto=gopher', '- - - -'],
    ['proto=wss', '- - https -'],
    ['proto=__proto__', '- - - -'],
    ['for="::ffff:192.0.2.1"', '192.0.2.1 - - -'],
    ['for=192.0.2.1:80', '192.0.2.1 80 - -'],
    ['for=[::1]:80', '::1 80 - -'],
    ['for="192.0.2.1:99999x"', '- - - -'],
    ['for="192.0.2.1', 'nothing'],
    ['for=', 'nothing'],
    ['for', 'nothing'],
    ['for=1.2.3.4;for=1.2.3.5', 'nothing'],
    ['for=1.2.3.4 proto=http', 'nothing'],
    ['for=192.0.2.1, =', 'nothing'],
    ['', 'nothing'],
    [' , ;, ', 'nothing'],
    [', for=192.0.2.1 ; ; proto=http ,', '192.0.2.1 - http -'],
    [String.raw`for=192.0.2.1;host="a\"b"`, '192.0.2.1 - - a"b'],
    [['for=192.0.2.43', 'for=10.0.0.1'], '192.0.2.43 - - -'],
    [Array.from({ length: 40 }, () => 'for=10.0.0.1'), '10.0.0.1 - - -'],
  ];
  for (const [value, expected] of cases) {
    test(JSON.stringify(value).slice(0, 80), () => {
      const lines = [value].flat().map((each) => ['Forwarded', each] as const);
      assert.equal(told('forwarded', [...lines, ['X-Forwarded-For', '203.0.113.9']]), expected);
    });
  }
});

describe('X-Forwarded-*', () => {
  const cases: [fields: Record<string, string>, told: string][] = [
    [{ For: '192.0.2.43' }, '192.0.2.43 - - -'],
    [{ For: 'forged, 192.0.2.43', Proto: 'https', Host: 'a.example' }, '192.0.2.43 - https a.example'],
    [{ For: '192.0.2.43, 10.0.0.1', Proto: 'http, https', Host: 'forged, a' }, '192.0.2.43 - https a'],
    [{ For: '2001:db8::1, fd00::2' }, '2001:db8::1 - - -'],
    [{ For: '192.0.2.43:5678' }, '192.0.2.43 5678 - -'],
    [{ For: '[2001:db8::1]' }, '2001:db8::1 - - -'],
    [{ For: 'localhost' }, '- - - -'],
    [{ Proto: 'https' }, '- - https -'],
    [{ Proto: 'WSS' }, '- - https -'],
    [{ Proto: 'ws' }, '- - http -'],
    [{ Host: 'a.example' }, '- - - a.example'],
    [{ For: ' , ' }, 'nothing'],
    [{}, 'nothing'],
  ];
  for (const [fields, expected] of cases) {
    test(JSON.stringify(fields), () => {
      const lines = Object.entries(fields).map(([name, value]) => [`X-Forwarded-${name}`, value] as const);
      assert.equal(told('x-forwarded', [...lines, ['Forwarded', 'for=203.0.113.9']]), expected);
    });
  }
});
