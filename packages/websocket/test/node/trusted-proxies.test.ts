import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { HeaderFields, UsageError } from '@pulsebeacon/websocket';
import { TrustedProxies } from '#dist/node/trusted-proxies.js';

const from = (remoteAddress: string | undefined): Socket => ({ remoteAddress, remotePort: 1000 }) as Socket;
const fields = new HeaderFields([
  'X-Forwarded-For',
  '192.0.2.1, 10.0.0.9',
  'X-Forwarded-Proto',
  'https',
  'X-Forwarded-Host',
  'a.example',
  'Forwarded',
  'for=203.0.113.9',
]);

describe('who is trusted', () => {
  const cases: [peers: string[], yes: (string | undefined)[], no: (string | undefined)[]][] = [
    [['10.0.0.1'], ['10.0.0.1', '::ffff:10.0.0.1'], ['10.0.0.2', '::1', undefined, 'nonsense', '']],
    [
      ['10.0.0.0/8', 'fd00::/8'],
      ['10.255.0.1', 'fd12::1'],
      ['11.0.0.0', 'fe00::1'],
    ],
    [['loopback'], ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'], ['128.0.0.1', '::2', undefined]],
    [['unix'], [undefined], ['127.0.0.1']],
    [['0.0.0.0/0'], ['1.2.3.4'], ['::1']],
    [[], [], ['127.0.0.1', undefined]],
  ];
  for (const [peers, yes, no] of cases) {
    test(peers.join(', ') || 'nobody', () => {
      const proxies = new TrustedProxies({ peers });
      for (const address of yes) assert.ok(proxies.isTrusted(address), String(address));
      for (const address of no) assert.ok(!proxies.isTrusted(address), String(address));
    });
  }

  for (const peer of [
    '',
    'localhost',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/1e1',
  ]) {
    test(`${JSON.stringify(peer)} cannot be one`, () => {
      assert.throws(
        () => new TrustedProxies({ peers: [peer] }),
        (error) => error instanceof UsageError && error.message.includes(JSON.stringify(peer)),
      );
    });
  }

  for (const options of [{}, { peers: '10.0.0.1' }, { peers: [], header: 'via' }, { peers: [], headers: 'none' }]) {
    test(`misuse: ${JSON.stringify(options)}`, () => {
      assert.throws(() => new TrustedProxies(options as never), UsageError);
    });
  }
});

describe('where a request comes from', () => {
  const near = { remoteAddress: '10.0.0.1', remotePort: 1000, scheme: undefined, host: undefined, isProxied: true };

  test('what a stranger says is not read', () => {
    const proxies = new TrustedProxies({ peers: ['10.0.0.0/8'] });
    assert.deepEqual(proxies.sourceOf(from('203.0.113.1'), fields), {
      ...near,
      remoteAddress: '203.0.113.1',
      isProxied: false,
    });
  });

  test('what proxies of ours say is', () => {
    const proxies = new TrustedProxies({ peers: ['10.0.0.0/8'] });
    assert.deepEqual(proxies.sourceOf(from('10.0.0.1'), fields), {
      remoteAddress: '192.0.2.1',
      remotePort: undefined,
      scheme: 'https',
      host: 'a.example',
      isProxied: true,
    });
  });

  test('only in the header that they write', () => {
    const sourceBy = (header: 'forwarded' | 'none') =>
      new TrustedProxies({ peers: ['10.0.0.0/8'], header }).sourceOf(from('10.0.0.1'), fields);
    assert.equal(sourceBy('forwarded').remoteAddress, '203.0.113.9');
    assert.deepEqual(sourceBy('none'), near);
  });

  test('without the header, or where it hides the address, it is the proxy', () => {
    const proxies = new TrustedProxies({ peers: ['10.0.0.0/8'] });
    assert.deepEqual(proxies.sourceOf(from('10.0.0.1'), new HeaderFields([])), near);
    const hidden = new HeaderFields(['X-Forwarded-For', 'unknown', 'X-Forwarded-Proto', 'https']);
    assert.deepEqual(proxies.sourceOf(from('10.0.0.1'), hidden), { ...near, scheme: 'https' });
  });

  test('behind a PROXY protocol that names nobody, nobody has written the header', () => {
    const proxies = new TrustedProxies({ peers: ['10.0.0.0/8'], proxyProtocol: true });
    assert.deepEqual(proxies.sourceOf(from('10.0.0.1'), fields), near);
  });

  test('the peer of a Unix socket', () => {
    const proxies = new TrustedProxies({ peers: ['unix', '10.0.0.9'] });
    assert.equal(proxies.sourceOf(from(undefined), fields).remoteAddress, '192.0.2.1');
  });
});
