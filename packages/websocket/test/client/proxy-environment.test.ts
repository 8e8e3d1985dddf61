import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { connect, findProxy, HandshakeError, WebSocket } from '@pulsebeacon/websocket';
import { maskUrl } from '#dist/node/masked-urls.js';
import { isExempt, proxyFromEnvironment } from '#dist/node/client/proxy-environment.js';
import { scriptedServer } from '../support/scripted-server.ts';

const WS = { secure: false, host: 'example.com', port: 80 };
const WSS = { secure: true, host: 'example.com', port: 443 };

describe('the proxy in the environment, as curl reads it', () => {
  const cases: [title: string, env: Record<string, string>, ws: string | undefined, wss: string | undefined][] = [
    ['nothing', {}, undefined, undefined],
    ['each its own', { http_proxy: 'a', https_proxy: 'b' }, 'http_proxy', 'https_proxy'],
    ['capitals', { HTTP_PROXY: 'a', HTTPS_PROXY: 'b' }, 'HTTP_PROXY', 'HTTPS_PROXY'],
    [
      'lower case first',
      { http_proxy: 'a', HTTP_PROXY: 'b', https_proxy: 'a', HTTPS_PROXY: 'b' },
      'http_proxy',
      'https_proxy',
    ],
    ['for all', { all_proxy: 'a', ALL_PROXY: 'b' }, 'all_proxy', 'all_proxy'],
    ['of the scheme of its own first', { ws_proxy: 'a', WSS_PROXY: 'b', http_proxy: 'c' }, 'ws_proxy', 'WSS_PROXY'],
    ['for all, after its own', { ALL_PROXY: 'a', HTTPS_PROXY: 'b' }, 'ALL_PROXY', 'HTTPS_PROXY'],
    ['empty is not there', { http_proxy: '', HTTP_PROXY: 'b' }, 'HTTP_PROXY', undefined],
    [
      'a header of a CGI program',
      { HTTP_PROXY: 'a', HTTPS_PROXY: 'b', REQUEST_METHOD: 'GET' },
      undefined,
      'HTTPS_PROXY',
    ],
    ['an exemption', { ALL_PROXY: 'a', NO_PROXY: 'example.com' }, undefined, undefined],
    ['lower case first, even empty', { ALL_PROXY: 'a', no_proxy: '', NO_PROXY: '*' }, 'ALL_PROXY', 'ALL_PROXY'],
  ];
  for (const [title, env, ws, wss] of cases) {
    test(title, () => {
      assert.equal(proxyFromEnvironment(WS, env)?.name, ws);
      assert.equal(proxyFromEnvironment(WSS, env)?.name, wss);
    });
  }
});

describe('NO_PROXY', () => {
  const cases: [list: string, host: string, port: number, isNamed: boolean][] = [
    ['*', 'example.com', 80, true],
    ['a, *', 'example.com', 80, true],
    ['example.com', 'example.com', 80, true],
    ['EXAMPLE.com', 'Example.COM', 80, true],
    ['example.com', 'www.example.com', 80, true],
    ['.example.com', 'www.example.com', 80, true],
    ['.example.com', 'example.com', 80, true],
    ['example.com.', 'example.com', 80, true],
    ['example.com', 'example.com.', 80, true],
    ['example.com', 'badexample.com', 80, false],
    ['www.example.com', 'example.com', 80, false],
    ['ample.com', 'example.com', 80, false],
    ['*.example.com', 'www.example.com', 80, true],
    ['*.example.com', 'badexample.com', 80, false],
    ['ex*.com', 'example.com', 80, false],
    ['a.test,b.test c.test', 'b.test', 80, true],
    ['a.test,b.test c.test', 'c.test', 80, true],
    [' , ', 'example.com', 80, false],
    ['.', 'example.com', 80, false],
    ['example.com:8080', 'example.com', 8080, true],
    ['example.com:8080', 'example.com', 80, false],
    ['127.0.0.1', '127.0.0.1', 80, true],
    ['127.0.0.1:81', '127.0.0.1', 80, false],
    ['0.0.1', '127.0.0.1', 80, false],
    ['127.0.0.0/8', '127.9.9.9', 80, true],
    ['10.0.0.0/8', '127.0.0.1', 80, false],
    ['10.0.0.0/', '10.0.0.0', 80, false],
    ['10.0.0.0/33', '10.0.0.0', 80, false],
    ['10.0.0.0/x', '10.0.0.0', 80, false],
    ['::1', '[::1]', 80, true],
    ['[::1]', '[::1]', 80, true],
    ['[::1]:443', '[::1]', 443, true],
    ['[::1]:443', '[::1]', 80, false],
    ['fe80::/10', '[fe80::1]', 80, true],
    ['fe80::/10', '[2001:db8::1]', 80, false],
    ['::/0', '127.0.0.1', 80, false],
    ['10.0.0.0/8', 'ten.example', 80, false],
  ];
  for (const [list, host, port, isNamed] of cases) {
    test(`${JSON.stringify(list)} ${isNamed ? 'names' : 'does not name'} ${host}:${port}`, () => {
      assert.equal(isExempt(list, host, port), isNamed);
    });
  }
});

describe('`proxy: environment`', () => {
  /** The environment of this process, until the test ends. */
  function setEnvironment(t: TestContext, values: Record<string, string>): void {
    const names = [
      'ws_proxy',
      'WS_PROXY',
      'wss_proxy',
      'WSS_PROXY',
      'http_proxy',
      'HTTP_PROXY',
      'https_proxy',
      'HTTPS_PROXY',
      'all_proxy',
      'ALL_PROXY',
      'no_proxy',
      'NO_PROXY',
    ];
    const before = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) delete process.env[name];
    Object.assign(process.env, values);
    t.after(() => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });
  }

  test('asks the proxy, and not for hosts that are exempt; by default none is asked', async (t) => {
    const proxy = await scriptedServer(t, () => 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n');
    setEnvironment(t, { http_proxy: `http://127.0.0.1:${proxy.port}`, no_proxy: '127.0.0.0/8' });
    const code = async (url: string, options = {}): Promise<string> =>
      await connect(url, options).then(
        () => 'open',
        (error: HandshakeError) => error.code,
      );
    assert.equal(await code('ws://localhost:1/', { proxy: 'environment' }), 'PB_PROXY_STATUS');
    assert.equal(await code('ws://127.0.0.1:1/', { proxy: 'environment' }), 'PB_CONNECT_REFUSED');
    assert.equal(await code('ws://localhost:1/'), 'PB_CONNECT_REFUSED');
    assert.equal(await code('ws+unix:/no/such:/', { proxy: 'environment' }), 'PB_CONNECT_REFUSED');
    assert.equal(proxy.requests.length, 1);
  });

  test('says which variable names no HTTP proxy, but not its password', async (t) => {
    setEnvironment(t, { ALL_PROXY: 'socks5://u:geheim@127.0.0.1:1080' });
    await assert.rejects(connect('ws://example.com/', { proxy: 'environment' }), ({ message }: Error) => {
      assert.match(message, /the environment variable ALL_PROXY is a proxy of the kind socks5:/);
      return !message.includes('geheim');
    });
  });
});

describe('an address in a log', () => {
  for (const [address, shown] of [
    ['ws://u:p@h/a?b=c', 'ws://h/a?b=c'],
    ['//u:p@h/a', '//h/a'],
    ['/a@b?c=d@e', '/a@b?c=d@e'],
    ['http://h/?token=x&access_token=y&b=z', 'http://h/?token=…&access_token=…&b=z'],
    ['http://h/?code=1&zipcode=2&key&X-Amz-Signature=3', 'http://h/?code=…&zipcode=2&key&X-Amz-Signature=…'],
    ['http://h/?%74oken=x&client%5Fsecret=y&pass%zz=z', 'http://h/?%74oken=…&client%5Fsecret=…&pass%zz=z'],
    ['/?begin=%7B%22hello%22:%7B%22authorization%22%20:%22x%22%7D%7D&b=c', '/?begin=…&b=c'],
    ['/?begin={"hello":{"versions":[1]}}&b="session"', '/?begin={"hello":{"versions":[1]}}&b="session"'],
    ['/a#access_token=x', '/a'],
  ]) {
    test(`${address} is shown as ${shown}`, () => assert.equal(maskUrl(address!), shown));
  }
});

describe('what is told of an address has no secrets', () => {
  test('errors, and what is thrown for addresses that cannot be', async () => {
    const error = await connect('ws://u:geheim@127.0.0.1:1/?token=geheim').catch((reason: unknown) => reason);
    assert.ok(error instanceof HandshakeError);
    assert.equal(error.url, 'ws://127.0.0.1:1/?token=…');
    assert.ok(!JSON.stringify([error.message, error.url, error.hops]).includes('geheim'));
    for (const url of ['ftp://u:geheim@h/', 'ws://u:geheim@h/#x', 'ws://u:geheim@h:x/']) {
      const thrown = (await connect(url).catch((reason: unknown) => reason)) as Error;
      assert.ok(!thrown.message.includes('geheim'), thrown.message);
      assert.throws(
        () => new WebSocket(url),
        (fault: DOMException) => !fault.message.includes('geheim'),
      );
    }
  });
});

test('findProxy says which proxy that is, and who names it', (t) => {
  const url = new URL('wss://example.com/live');
  assert.equal(findProxy(undefined, url), undefined);
  const given = findProxy('http://ann:secret@proxy.test:3128', url)!;
  assert.deepEqual(
    [given.url, given.port, given.secure, given.variable],
    ['http://proxy.test:3128', 3128, false, undefined],
  );
  assert.deepEqual([given.credentials?.username, given.credentials?.password], ['ann', 'secret']);
  const before = process.env['https_proxy'];
  t.after(() => {
    if (before === undefined) delete process.env['https_proxy'];
    else process.env['https_proxy'] = before;
  });
  process.env['https_proxy'] = 'https://proxy.test';
  assert.equal(findProxy('environment', url)?.variable, 'https_proxy');
  process.env['https_proxy'] = 'socks5://proxy.test';
  assert.throws(
    () => findProxy('environment', url),
    /the environment variable https_proxy is a proxy of the kind socks5:/,
  );
});
