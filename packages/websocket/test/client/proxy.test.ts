import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { type AuthenticationContext, connect, type ConnectOptions, type TraceEvent } from '@pulsebeacon/websocket';
import { failed, open } from '../support/connecting.ts';
import { TLS } from '../support/certificate.ts';
import { digestParameters, isRightDigest } from '../support/digest-verifier.ts';
import {
  accept,
  answer,
  type Script,
  scriptedServer,
  type ScriptedServer,
  tunnel,
} from '../support/scripted-server.ts';
import { serve } from '../support/servers.ts';

const httpUrl = ({ url }: ScriptedServer, userinfo = ''): string => url.replace(/^ws(s?):\/\//, `http$1://${userinfo}`);

const through: Script = (request) => {
  tunnel(request);
  return undefined;
};

const asking =
  (isRight: (value: string | undefined) => boolean, ...challenges: string[]): Script =>
  (request, index) =>
    isRight(request.fields.get('proxy-authorization'))
      ? through(request, index)
      : answer(
          407,
          challenges.map((each) => `Proxy-Authenticate: ${each}`),
          'who?',
        );

const ECHO = {
  message: (c: { send(data: string | Uint8Array): unknown }, data: string | Uint8Array) => void c.send(data),
};

/** Sends a message, and has it come back. */
async function echoes(t: TestContext, url: string, options: ConnectOptions): Promise<void> {
  const data = 'x'.repeat(200_000);
  const back = await new Promise<unknown>((resolve, reject) => {
    open(t, url, { ...options, open: (c) => void c.send(data), message: (_, message) => resolve(message) }).catch(
      reject,
    );
  });
  assert.equal(back, data);
}

describe('a forward proxy (RFC 9110 §9.3.6, RFC 6455 §4.1)', () => {
  for (const [proxyScheme, secureProxy] of [
    ['http', undefined],
    ['https', TLS],
  ] as const) {
    for (const [scheme, secure] of [
      ['ws', undefined],
      ['wss', { tls: TLS }],
    ] as const) {
      test(`${proxyScheme}: for ${scheme}:`, async (t) => {
        const { target } = await serve(t, ECHO, { port: 0, host: '127.0.0.1', ...secure });
        const proxy = await scriptedServer(t, through, secureProxy);
        const ca = { ca: TLS.cert };
        await echoes(t, `${scheme}://localhost:${target}/a?b`, { proxy: httpUrl(proxy), tls: ca, proxyTls: ca });
        const [request] = proxy.requests;
        assert.deepEqual([request!.method, request!.target], ['CONNECT', `localhost:${target}`]);
        assert.equal(request!.fields.get('host'), `localhost:${target}`);
        assert.deepEqual([...request!.fields.keys()], ['host']);
      });
    }
  }

  test('Basic from the address, UTF-8 and percent-encoded; the server never sees it', async (t) => {
    const value = `Basic ${Buffer.from('ü:p@ss').toString('base64')}`;
    const proxy = await scriptedServer(
      t,
      asking((given) => given === value, 'Basic realm="p"'),
    );
    const server = await scriptedServer(t, (request) => accept(request));
    await open(t, server.url, { proxy: httpUrl(proxy, '%C3%BC:p%40ss@') });
    assert.equal(proxy.requests.length, 1);
    assert.ok(!server.requests[0]!.text.includes('uthorization'));
  });

  test('Digest, of which the request-target is that of CONNECT; with its credentials the server is asked as well', async (t) => {
    const account = { username: 'u', password: 'p', realm: 'r', algorithm: 'SHA-256' };
    const challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256';
    const proxy = await scriptedServer(
      t,
      asking((value) => isRightDigest(value, 'CONNECT', account), challenge),
    );
    const server = await scriptedServer(t, (request, index) =>
      index === 0 ? answer(401, [`WWW-Authenticate: ${challenge}`]) : accept(request),
    );
    const asked: AuthenticationContext[] = [];
    await open(t, `${server.url}/x`, {
      proxy: httpUrl(proxy),
      credentials: (context) => {
        asked.push(context);
        return context.isProxy ? account : { username: 's', password: 't' };
      },
    });
    assert.deepEqual(
      asked.map(({ origin, isProxy }) => [origin, isProxy]),
      [
        [httpUrl(proxy), true],
        [httpUrl(server), false],
      ],
    );
    const shown = digestParameters(proxy.requests[1]!.fields.get('proxy-authorization'));
    assert.equal(shown['uri'], `127.0.0.1:${server.port}`);
    // 407 and 200 came on one connection, 401 and 101 through one tunnel.
    assert.deepEqual([proxy.connections(), server.connections()], [1, 1]);
    assert.equal(digestParameters(server.requests[1]!.fields.get('authorization'))['username'], 's');
  });

  test('407 on a connection that closes is answered on another one', async (t) => {
    const closing = answer(407, ['Proxy-Authenticate: Basic realm="p"', 'Connection: close']);
    const proxy = await scriptedServer(t, (request, index) => (index === 0 ? closing : through(request, index)));
    const server = await scriptedServer(t, (request) => accept(request));
    await open(t, server.url, { proxy: httpUrl(proxy), credentials: () => ({ username: 'u', password: 'p' }) });
    assert.equal(proxy.connections(), 2);
  });

  test('407 without credentials, and with wrong ones, says which proxy', async (t) => {
    const proxy = await scriptedServer(
      t,
      asking(() => false, 'Basic realm="p"'),
    );
    const none = await failed('ws://127.0.0.1:1/x?token=geheim', { proxy: httpUrl(proxy) });
    assert.deepEqual([none.code, none.status, none.body, none.retry], ['PB_PROXY_STATUS', 407, 'who?', false]);
    assert.match(
      none.message,
      /the proxy answered 407 Because \(who\?\); a proxy asks for credentials \(Basic realm="p"\)/,
    );
    assert.deepEqual(none.hops, [{ url: 'ws://127.0.0.1:1/x?token=…', proxy: httpUrl(proxy), status: 407 }]);
    const wrong = await failed('ws://127.0.0.1:1/', { proxy: httpUrl(proxy, 'u:geheim@') });
    assert.equal(wrong.code, 'PB_CREDENTIALS_REJECTED');
    assert.ok(wrong.message.includes(`by the proxy ${httpUrl(proxy)}`), wrong.message);
    assert.ok(!`${wrong.stack}${JSON.stringify(wrong)}`.includes('geheim'));
    await proxy.allClosed();
  });

  test('credentials of the server are not for the proxy', async (t) => {
    const proxy = await scriptedServer(
      t,
      asking(() => false, 'Basic realm="p", Bearer'),
    );
    const options = { proxy: httpUrl(proxy), credentials: { username: 'u', password: 'p' }, bearer: 'token' };
    const error = await failed('ws://u:p@127.0.0.1:1/', options);
    assert.equal(error.code, 'PB_PROXY_STATUS');
    assert.ok(proxy.requests.every(({ text }) => !text.includes('uthorization')));
  });

  for (const [status, retry] of [
    [403, false],
    [502, true],
    [503, true],
    [101, false],
    [302, false],
  ] as const) {
    test(`${status} instead of a tunnel is told as the proxy's`, async (t) => {
      const proxy = await scriptedServer(t, () =>
        answer(status, ['Location: http://elsewhere/', 'Retry-After: 0'], 'no'),
      );
      const error = await failed('wss://127.0.0.1:1/', { proxy: httpUrl(proxy), redirects: {}, retries: {} });
      assert.deepEqual([error.code, error.status, error.retry], ['PB_PROXY_STATUS', status, retry]);
      assert.match(error.message, status >= 500 ? /the proxy does not reach the server/ : /see what the proxy allows/);
      assert.equal(proxy.requests.length, 1);
      await proxy.allClosed();
    });
  }

  test('bytes that come through a tunnel unasked, rubbish, and an end', async (t) => {
    for (const [bytes, code] of [
      ['HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Yes\r\n\r\n', 'PB_PROXY_DATA'],
      ['SSH-2.0\r\n', 'PB_ANSWER_NOT_HTTP'],
      [`HTTP/1.1 200 OK\r\nA: ${'b'.repeat(20_000)}`, 'PB_ANSWER_FIELDS_TOO_LARGE'],
    ] as const) {
      const proxy = await scriptedServer(t, () => bytes);
      for (const scheme of ['ws', 'wss']) {
        assert.equal((await failed(`${scheme}://127.0.0.1:1/`, { proxy: httpUrl(proxy) })).code, code);
      }
      await proxy.allClosed();
    }
    const ending = await scriptedServer(t, ({ socket }) => void socket.end());
    assert.equal((await failed('ws://127.0.0.1:1/', { proxy: httpUrl(ending) })).code, 'PB_ANSWER_ENDED');
  });

  test('a proxy that is not there is told as such', async () => {
    const error = await failed('ws://example.com/', { proxy: 'http://127.0.0.1:1' });
    assert.equal(error.code, 'PB_CONNECT_REFUSED');
    assert.match(error.message, /of the proxy http:\/\/127\.0\.0\.1:1/);
    assert.deepEqual(error.hops, [{ url: 'ws://example.com/', proxy: 'http://127.0.0.1:1', status: undefined }]);
  });

  test('the certificate of each hop is checked with its own options', async (t) => {
    const server = await scriptedServer(t, (request) => accept(request), TLS);
    const plain = await scriptedServer(t, through);
    const proxy = await scriptedServer(t, through, TLS);
    const ca = { ca: TLS.cert };
    const codeOf = async (options: ConnectOptions, url = server.url): Promise<string> =>
      (await failed(url, options)).code;
    // Nobody is trusted; one of them; the wrong name.
    assert.equal(await codeOf({ proxy: httpUrl(plain) }), 'PB_CONNECT_TLS');
    assert.equal(await codeOf({ proxy: httpUrl(proxy), tls: ca }), 'PB_CONNECT_TLS');
    assert.equal(proxy.requests.length, 0);
    assert.equal(await codeOf({ proxy: httpUrl(proxy), proxyTls: ca }), 'PB_CONNECT_TLS');
    assert.equal(await codeOf({ proxy: httpUrl(proxy), tls: { rejectUnauthorized: false } }), 'PB_CONNECT_TLS');
    const other = `wss://127.0.0.2:${server.port}/`;
    assert.equal(await codeOf({ proxy: httpUrl(proxy), tls: ca, proxyTls: ca }, other), 'PB_CONNECT_TLS');
    assert.equal(
      await codeOf({ proxy: `https://127.0.0.2:${proxy.port}`, tls: ca, proxyTls: ca }),
      'PB_CONNECT_REFUSED',
    );
    assert.equal(server.requests.length, 0);
    await Promise.all([server.allClosed(), plain.allClosed(), proxy.allClosed()]);
    await open(t, server.url, { proxy: httpUrl(proxy), tls: ca, proxyTls: ca });
  });

  test('redirects go through it, and those to another host through another tunnel', async (t) => {
    const far = await scriptedServer(t, (request) => accept(request));
    const server = await scriptedServer(t, (request) =>
      answer(302, [`Location: ${request.target === '/' ? '/b' : `${far.url}/c`}`]),
    );
    const proxy = await scriptedServer(t, through);
    await open(t, server.url, { proxy: httpUrl(proxy, 'u:p@'), redirects: {} });
    assert.deepEqual(
      proxy.requests.map(({ target }) => target),
      [`127.0.0.1:${server.port}`, `127.0.0.1:${far.port}`],
    );
    assert.ok(proxy.requests.every(({ fields }) => fields.has('proxy-authorization')));
  });

  test('trace sees each request and answer', async (t) => {
    const proxy = await scriptedServer(t, (request, index) =>
      index === 0 ? answer(407, ['Proxy-Authenticate: Basic realm="p"']) : through(request, index),
    );
    const server = await scriptedServer(t, (request) => accept(request));
    const events: TraceEvent[] = [];
    const trace = (event: TraceEvent): void => void events.push(event);
    await open(t, server.url, { proxy: httpUrl(proxy), credentials: () => ({ username: 'u', password: 'p' }), trace });
    const first = events.map((event) => ('text' in event ? event.text.split(' ')[0] : event.type));
    assert.deepEqual(first, ['CONNECT', 'HTTP/1.1', 'hop', 'CONNECT', 'HTTP/1.1', 'GET', 'HTTP/1.1']);
  });
});

describe('time and giving up, at every stage', () => {
  /** Servers that stop at a stage, and tell when they are there. */
  const stages: [
    stage: string,
    code: string,
    start: (t: TestContext, reached: () => void) => Promise<[string, ConnectOptions, ScriptedServer[]]>,
  ][] = [
    [
      'the answer to CONNECT',
      'PB_ANSWER_TIMEOUT',
      async (t, reached) => {
        const proxy = await scriptedServer(t, () => void reached());
        return ['ws://127.0.0.1:1/', { proxy: httpUrl(proxy) }, [proxy]];
      },
    ],
    [
      'TLS in the tunnel',
      'PB_CONNECT_TIMEOUT',
      async (t, reached) => {
        const silent = net
          .createServer((socket) => void socket.on('error', () => {}).once('data', reached))
          .listen(0, '127.0.0.1');
        await once(silent, 'listening');
        t.after(() => silent.close());
        const proxy = await scriptedServer(t, through);
        return [`wss://127.0.0.1:${(silent.address() as AddressInfo).port}/`, { proxy: httpUrl(proxy) }, [proxy]];
      },
    ],
    [
      'TLS to the proxy',
      'PB_CONNECT_TIMEOUT',
      async (t, reached) => {
        const silent = await scriptedServer(t, () => undefined);
        void reached();
        return ['ws://127.0.0.1:1/', { proxy: `https://127.0.0.1:${silent.port}` }, [silent]];
      },
    ],
    [
      'the answer through two layers of TLS',
      'PB_ANSWER_TIMEOUT',
      async (t, reached) => {
        const server = await scriptedServer(t, () => void reached(), TLS);
        const proxy = await scriptedServer(t, through, TLS);
        const ca = { ca: TLS.cert };
        return [server.url, { proxy: httpUrl(proxy), tls: ca, proxyTls: ca }, [server, proxy]];
      },
    ],
    [
      'a fetched token',
      'PB_CONNECT_TIMEOUT',
      async (t, reached) => {
        const server = await scriptedServer(t, () => undefined);
        const bearer = (): Promise<string> => {
          reached();
          return new Promise(() => {});
        };
        return [server.url, { bearer }, [server]];
      },
    ],
    [
      'a cookie jar',
      'PB_CONNECT_TIMEOUT',
      async (t, reached) => {
        const server = await scriptedServer(t, () => undefined);
        const getCookieString = (): Promise<string> => {
          reached();
          return new Promise(() => {});
        };
        return [server.url, { cookieJar: { getCookieString, setCookie: () => {} } }, [server]];
      },
    ],
  ];
  for (const [stage, code, start] of stages) {
    test(`${stage} has handshakeTimeout`, async (t) => {
      const [url, options, servers] = await start(t, () => {});
      assert.equal((await failed(url, { ...options, handshakeTimeout: 200 })).code, code);
      for (const server of servers) await server.allClosed();
    });

    test(`${stage} is given up by the signal, and nothing stays open`, async (t) => {
      const abort = new AbortController();
      let reach = (): void => {};
      const reached = new Promise<void>((resolve) => (reach = resolve));
      const [url, options, servers] = await start(t, reach);
      const attempt = connect(url, { ...options, signal: abort.signal });
      void reached.then(() => setImmediate(() => abort.abort(new Error('enough'))));
      await assert.rejects(attempt, /enough/);
      for (const server of servers) await server.allClosed();
    });
  }

  test('a connection that opened through two layers of TLS closes all of them', async (t) => {
    const server = await scriptedServer(t, (request) => accept(request), TLS);
    const proxy = await scriptedServer(t, through, TLS);
    const ca = { ca: TLS.cert };
    const connection = await connect(server.url, { proxy: httpUrl(proxy), tls: ca, proxyTls: ca });
    connection.terminate();
    await Promise.all([server.allClosed(), proxy.allClosed()]);
  });
});

describe('the option', () => {
  for (const proxy of ['socks5://127.0.0.1', 'http://', 'ftp://x', '', 'http://a b', 'http://u%0D%0A:p@h']) {
    test(`${JSON.stringify(proxy)} is no proxy`, async () => {
      await assert.rejects(connect('ws://127.0.0.1:1/', { proxy }), { code: 'PB_OPTION_INVALID' });
    });
  }

  test('excludes a Unix socket', async () => {
    await assert.rejects(connect('ws://a/', { proxy: 'http://b', socketPath: '/c' }), { code: 'PB_OPTION_INVALID' });
  });

  test('the scheme may be left out', async (t) => {
    const proxy = await scriptedServer(t, through);
    const server = await scriptedServer(t, (request) => accept(request));
    await open(t, server.url, { proxy: `127.0.0.1:${proxy.port}` });
    assert.equal(proxy.requests.length, 1);
  });
});
