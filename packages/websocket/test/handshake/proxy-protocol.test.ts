import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ProxyHeader, readProxyHeader } from '#dist/handshake/index.js';

const isAddress = (text: string, family: 4 | 6): boolean => (family === 4 ? isIPv4(text) : isIPv6(text));

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const read = (bytes: Uint8Array, length: number = bytes.length): ProxyHeader =>
  readProxyHeader(bytes, length, isAddress);

/** `address:port` of the peer, or what else came of it. */
function told(bytes: Uint8Array): string {
  const header = read(bytes);
  if (header.kind === 'invalid') return header.reason;
  if (header.kind === 'partial') return 'partial';
  return header.peer === undefined ? 'nobody' : `${header.peer.address} ${header.peer.port}`;
}

describe('version 1', () => {
  const cases: [line: string, told: string][] = [
    ['PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET /', '192.0.2.1 56324'],
    ['PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n', '2001:db8::1 1'],
    ['PROXY UNKNOWN\r\nGET', 'nobody'],
    ['PROXY UNKNOWN ffff:f...f:ffff anything 65535 65535\r\n', 'nobody'],
    ['PROXY UNKNOWNS\r\n', 'the line of version 1 is malformed'],
    ['', 'partial'],
    ['PRO', 'partial'],
    ['PROXY TCP4 192.0.2.1', 'partial'],
    [`PROXY ${'x'.repeat(100)}`, 'partial'],
    [`PROXY ${'x'.repeat(101)}`, 'no line end within 107 bytes'],
    [`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`, 'nobody'],
    ['GET / HTTP/1.1\r\n', 'it begins with neither PROXY nor the signature of version 2'],
    ['PROXY\r\n', 'it begins with neither PROXY nor the signature of version 2'],
    ['PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n', 'the line of version 1 is malformed'],
    ['PROXY TCP4  192.0.2.1 198.51.100.2 56324 443\r\n', 'the line of version 1 is malformed'],
    ['PROXY TCP5 192.0.2.1 198.51.100.2 56324 443\r\n', 'the line of version 1 is malformed'],
    ['PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n', 'an address is not of IPv4'],
    ['PROXY TCP4 192.0.2.1 ::1 1 2\r\n', 'an address is not of IPv4'],
    ['PROXY TCP6 192.0.2.1 ::1 1 2\r\n', 'an address is not of IPv6'],
    ['PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n', 'a port is greater than 65535'],
    ['PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n', 'a port is greater than 65535'],
  ];
  for (const [line, expected] of cases) {
    test(JSON.stringify(line.slice(0, 60)), () => assert.equal(told(bytesOf(line)), expected));
  }
});

/** A header of version 2. */
function version2(command: number, family: number, body: readonly number[], length: number = body.length): Uint8Array {
  return Buffer.concat([
    bytesOf('\r\n\r\n\0\r\nQUIT\n'),
    Buffer.from([command, family, length >> 8, length & 0xff, ...body]),
  ]);
}

const IPV4 = [192, 0, 2, 1, 198, 51, 100, 2, 0x1f, 0x90, 0x01, 0xbb];
const ipv6 = (groups: readonly number[]): number[] => [
  ...groups.flatMap((group) => [group >> 8, group & 0xff]),
  ...Array.from({ length: 16 }, () => 1),
  0x1f,
  0x90,
  0x01,
  0xbb,
];

describe('version 2', () => {
  test('addresses of IPv4', () => assert.equal(told(version2(0x21, 0x11, IPV4)), '192.0.2.1 8080'));
  test('what is said beside the addresses is skipped', () => {
    const bytes = version2(0x21, 0x11, [...IPV4, 4, 0, 1, 0]);
    assert.deepEqual(read(Buffer.concat([bytes, bytesOf('GET')])), {
      kind: 'whole',
      length: bytes.length,
      peer: { address: '192.0.2.1', port: 8080 },
    });
  });
  const written: [groups: number[], text: string][] = [
    [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], '2001:db8::1'],
    [[0, 0, 0, 0, 0, 0, 0, 1], '::1'],
    [[0x2001, 0, 0, 0, 0, 0, 0, 0], '2001::'],
    [[0, 0, 0, 0, 0, 0, 0, 0], '::'],
    [[1, 0, 2, 3, 4, 5, 6, 0xabcd], '1:0:2:3:4:5:6:abcd'],
    [[1, 0, 0, 2, 0, 0, 0, 3], '1:0:0:2::3'],
    [[0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201], '192.0.2.1'],
  ];
  for (const [groups, text] of written) {
    test(`IPv6: ${text}`, () => assert.equal(told(version2(0x21, 0x21, ipv6(groups))), `${text} 8080`));
  }
  test('any address of IPv6 is one to Node, and the same one', () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const [address = ''] = told(version2(0x21, 0x21, ipv6(groups))).split(' ');
        if (isIPv4(address)) return;
        const url = new URL(`http://[${groups.map((each) => each.toString(16)).join(':')}]/`);
        assert.equal(`[${address}]`, url.hostname);
      }),
      { seed: 7 },
    );
  });
  const cases: [name: string, bytes: Uint8Array, told: string][] = [
    ['LOCAL', version2(0x20, 0x11, IPV4), 'nobody'],
    ['LOCAL, of nothing', version2(0x20, 0, []), 'nobody'],
    ['unspecified', version2(0x21, 0, []), 'nobody'],
    [
      'a Unix socket',
      version2(
        0x21,
        0x31,
        Array.from({ length: 216 }, () => 0),
      ),
      'nobody',
    ],
    ['version 1 in the form of 2', version2(0x11, 0x11, IPV4), 'the version is 1, not 2'],
    ['an unknown command', version2(0x22, 0x11, IPV4), 'the command is 2, neither LOCAL nor PROXY'],
    ['too few bytes for IPv4', version2(0x21, 0x11, IPV4.slice(1)), '11 bytes are too few for addresses of IPv4'],
    ['too few bytes for IPv6', version2(0x21, 0x21, IPV4), '12 bytes are too few for addresses of IPv6'],
    ['more than is read', version2(0x21, 0x11, IPV4, 2049), '2049 bytes are to follow; at most 2048 are read'],
    ['as much as is read', version2(0x21, 0x11, [...IPV4, ...Array.from({ length: 2036 }, () => 0)]), '192.0.2.1 8080'],
    ['another signature', bytesOf('\r\n\r\n\0\r\nQUIT\r...'), 'the signature of version 2 is not whole'],
  ];
  for (const [name, bytes, expected] of cases) test(name, () => assert.equal(told(bytes), expected));
});

test('cut anywhere it is partial, and never something else', () => {
  for (const bytes of [
    bytesOf('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n'),
    version2(0x21, 0x11, IPV4),
    version2(0x21, 0x21, ipv6([1, 2, 3, 4, 5, 6, 7, 8])),
  ]) {
    for (let length = 0; length < bytes.length; length++) assert.equal(read(bytes, length).kind, 'partial');
    assert.equal(read(bytes).kind, 'whole');
  }
});
