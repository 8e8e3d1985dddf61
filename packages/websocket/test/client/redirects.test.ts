import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { connect, type ConnectOptions, type CookieJar, type TraceEvent, WebSocket } from '@pulsebeacon/websocket';
import { failed, open } from '../support/connecting.ts';
import { TLS } from '../support/certificate.ts';
import { accept, answer, type Script, scriptedServer } from '../support/scripted-server.ts';

const to = (location: string, status = 302, ...more: string[]): string =>
  answer(status, [`Location: ${location}`, ...more], 'elsewhere');

/** Sends `/` on to a location, and lets in whoever comes to another path. */
const sending =
  (location: string, status = 302): Script =>
  (request) =>
    request.target === '/' ? to(location, status) : accept(request);

describe('redirects (RFC 9110 §15.4)', () => {
  test('are not followed by default, and the error says where and how', async (t) => {
    const server = await scriptedServer(t, sending('/there'));
    const error = await failed(server.url, {});
    assert.deepEqual([error.code, error.status, error.retry], ['PB_ANSWER_STATUS', 302, false]);
    assert.match(error.message, /the address in Location \(\/there\), or set `redirects` to follow it/);
    assert.deepEqual(error.hops, [{ url: `${server.url}/`, status: 302, location: '/there' }]);
  });

  for (const status of [301, 302, 303, 307, 308]) {
    test(`${status} is followed with the same request`, async (t) => {
      const server = await scriptedServer(t, sending('/there?a=b', status));
      const connection = await open(t, server.url, { redirects: {}, headers: { 'X-A': 'b' }, subprotocols: [] });
      assert.equal(connection.url, `${server.url}/there?a=b`);
      assert.deepEqual(
        server.requests.map(({ method, target, fields }) => [method, target, fields.get('x-a')]),
        [
          ['GET', '/', 'b'],
          ['GET', '/there?a=b', 'b'],
        ],
      );
      assert.equal(server.connections(), 1);
      assert.notEqual(
        server.requests[0]!.fields.get('sec-websocket-key'),
        server.requests[1]!.fields.get('sec-websocket-key'),
      );
    });
  }

  for (const status of [300, 304, 305, 306]) {
    test(`${status} is none`, async (t) => {
      const server = await scriptedServer(t, sending('/there', status));
      assert.equal((await failed(server.url, { redirects: {} })).code, 'PB_ANSWER_STATUS');
    });
  }

  for (const [title, location, target] of [
    ['relative to the path', 'c', '/a/c'],
    ['relative upwards', '../c?d', '/c?d'],
    ['a query alone', '?e=f', '/a/b?e=f'],
    ['with a fragment, which is dropped (§10.2.2)', '/c#part', '/c'],
    ['beyond ASCII, as UTF-8', '/\u00c3\u00bc', '/%C3%BC'],
    ['beyond ASCII, as whatever bytes', '/\u00fc', '/%FC'],
  ] as const) {
    test(`Location may be ${title}`, async (t) => {
      let isFirst = true;
      const server = await scriptedServer(t, (request) => {
        if (!isFirst) return accept(request);
        isFirst = false;
        return to(location);
      });
      await open(t, `${server.url}/a/b?x`, { redirects: { max: 1 } });
      assert.equal(server.requests[1]!.target, target);
    });
  }

  for (const scheme of ['ws', 'http', 'WS', 'HTTP']) {
    test(`${scheme}: is where http: and ws: are the same`, async (t) => {
      const far = await scriptedServer(t, (request) => accept(request));
      const server = await scriptedServer(t, sending(`${scheme}://127.0.0.1:${far.port}/x`));
      const connection = await open(t, server.url, { redirects: {} });
      assert.equal(connection.url, `${far.url}/x`);
    });
  }

  for (const [title, lines] of [
    ['no Location', []],
    ['an empty host', ['Location: http://']],
    ['another scheme', ['Location: ftp://example.com/']],
    ['a script', ['Location: javascript:alert(1)']],
    ['two of them', ['Location: /a', 'Location: http://[/b']],
    ['two that differ', ['Location: /a', 'Location: /b']],
  ] as const) {
    test(`${title} leads nowhere`, async (t) => {
      const server = await scriptedServer(t, () => answer(302, lines));
      assert.equal((await failed(server.url, { redirects: {} })).code, 'PB_REDIRECT_INVALID');
      assert.equal(server.requests.length, 1);
    });
  }

  test('are counted', async (t) => {
    const server = await scriptedServer(t, (_, index) => to(`/${index}`));
    const error = await failed(server.url, { redirects: { max: 3 } });
    assert.equal(error.code, 'PB_REDIRECT_TOO_MANY');
    assert.match(error.message, /redirects\.max is 3/);
    assert.equal(server.requests.length, 4);
    assert.deepEqual(
      error.hops.map(({ url, status, location }) => [url.slice(server.url.length), status, location]),
      [
        ['/', 302, '/0'],
        ['/0', 302, '/1'],
        ['/1', 302, '/2'],
        ['/2', 302, '/3'],
      ],
    );
  });

  test('in a circle are told at once, between two servers as well', async (t) => {
    const self = await scriptedServer(t, () => to('/'));
    assert.equal((await failed(self.url, { redirects: { max: 50 } })).code, 'PB_REDIRECT_LOOP');
    assert.equal(self.requests.length, 1);
    let other = '';
    const one = await scriptedServer(t, () => to(other));
    const two = await scriptedServer(t, () => to(`${one.url}/`));
    other = two.url;
    const error = await failed(one.url, { redirects: { max: 50 } });
    assert.equal(error.code, 'PB_REDIRECT_LOOP');
    assert.equal(error.hops.length, 2);
  });

  test('are told to trace, secrets masked', async (t) => {
    const far = await scriptedServer(t, (request) => accept(request));
    const server = await scriptedServer(t, sending(`http://u:p@127.0.0.1:${far.port}/x?token=geheim&b=c`));
    const events: TraceEvent[] = [];
    await open(t, server.url, { redirects: {}, trace: (event) => events.push(event) });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['request', 'answer', 'hop', 'request', 'answer'],
    );
    assert.deepEqual(
      events.find(({ type }) => type === 'hop'),
      {
        type: 'hop',
        hop: { url: `${server.url}/`, status: 302, location: `http://127.0.0.1:${far.port}/x?token=…&b=c` },
      },
    );
    assert.equal(far.requests[0]!.fields.get('authorization'), undefined);
  });

  test('are followed by WebSocket, too', async (t) => {
    const server = await scriptedServer(t, sending('/there'));
    const socket = new WebSocket(server.url, [], { redirects: {} });
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    socket.close();
    assert.equal(server.requests.length, 2);
  });

  test('leave the first connection, and all of them where it fails', async (t) => {
    const far = await scriptedServer(t, () => answer(404));
    const server = await scriptedServer(t, sending(`${far.url}/x`));
    const error = await failed(server.url, { redirects: {} });
    assert.match(
      error.message,
      /^cannot connect to ws:\S+\/x \(after 302 of ws:\S+\/\): the server answered 404 Because/,
    );
    await server.allClosed();
    await far.allClosed();
  });

  test('options are checked', async () => {
    for (const redirects of [{ max: -1 }, { max: 1.5 }, { maximum: 1 }, { allowDowngrade: 'yes' }, 5, null]) {
      await assert.rejects(connect('ws://127.0.0.1:1/', { redirects: redirects as never }), {
        code: 'PB_OPTION_INVALID',
      });
    }
  });
});

/** What must not come to another origin. */
const SECRETS: ConnectOptions = {
  credentials: { username: 'u', password: 'p' },
  bearer: 'token',
  headers: { Authorization: 'Custom x', Cookie: 'a=b', 'X-Key': 'c', 'Proxy-Authorization': 'd' },
  origin: 'https://page.example',
  redirects: {},
  tls: { ca: TLS.cert },
};
const SECRET_FIELDS = ['authorization', 'cookie', 'x-key', 'proxy-authorization'];

describe('what was for one origin (RFC 9110 §17.16.1)', () => {
  const cases: [
    title: string,
    from: 'ws' | 'wss',
    location: (ports: Record<'ws' | 'wss', number>) => string,
    stays: boolean,
  ][] = [
    ['another port', 'ws', ({ ws }) => `http://127.0.0.1:${ws}/x`, false],
    ['another host', 'ws', ({ ws }) => `//localhost:${ws}/x`, false],
    ['another scheme, upwards', 'ws', ({ wss }) => `https://localhost:${wss}/x`, false],
    ['another port, over TLS', 'wss', ({ wss }) => `wss://localhost:${wss}/x`, false],
    ['the same one', 'ws', () => '/x', true],
    ['the same one, over TLS', 'wss', () => '/x', true],
  ];
  for (const [title, from, location, stays] of cases) {
    test(`${stays ? 'stays' : 'is dropped'}: ${title}`, async (t) => {
      const far = await scriptedServer(t, (request) => accept(request));
      const farSecure = await scriptedServer(t, (request) => accept(request), TLS);
      const script: Script = (request) =>
        request.target === '/' ? to(location({ ws: far.port, wss: farSecure.port })) : accept(request);
      const server = await scriptedServer(t, script, from === 'wss' ? TLS : undefined);
      await open(t, server.url, SECRETS);
      const last = [...server.requests.slice(1), ...far.requests, ...farSecure.requests][0]!;
      const shown = SECRET_FIELDS.filter((name) => last.fields.has(name));
      assert.deepEqual(shown, stays ? SECRET_FIELDS : []);
      assert.equal(last.fields.get('origin'), stays ? 'https://page.example' : 'null');
    });
  }

  test('is dropped for good: it does not come back with the way back', async (t) => {
    let home = '';
    const far = await scriptedServer(t, () => to(`${home}/back`));
    const server = await scriptedServer(t, sending(`${far.url}/x`));
    home = server.url;
    await open(t, server.url, SECRETS);
    assert.deepEqual(
      SECRET_FIELDS.filter((name) => server.requests[1]!.fields.has(name)),
      [],
    );
  });

  test('neither answers a challenge of the other one, but a function is asked, and told who asks', async (t) => {
    const far = await scriptedServer(t, (request) =>
      request.fields.has('authorization')
        ? accept(request)
        : answer(401, ['WWW-Authenticate: Basic realm="x", Bearer']),
    );
    const server = await scriptedServer(t, sending(`${far.url}/x`));
    const error = await failed(server.url, SECRETS);
    assert.deepEqual([error.code, error.status, far.requests.length], ['PB_ANSWER_STATUS', 401, 1]);
    const asked: string[] = [];
    await open(t, server.url, {
      redirects: {},
      authentication: { scheme: 'Bearer', respond: () => assert.fail('not for the other one') },
      credentials: ({ origin }) => {
        asked.push(origin);
        return { username: 'u', password: 'p' };
      },
    });
    assert.deepEqual(asked, [`http://127.0.0.1:${far.port}`]);
  });

  test('a client certificate, and the name to check, are for the first server alone', async (t) => {
    const seen: boolean[] = [];
    const options = { ...TLS, requestCert: true, rejectUnauthorized: false };
    const look: Script = ({ socket }) => {
      const { raw } = (socket as unknown as { getPeerCertificate(): { raw?: Uint8Array } }).getPeerCertificate();
      seen.push(raw !== undefined);
      return undefined;
    };
    const far = await scriptedServer(t, (request, i) => (void look(request, i), accept(request)), options);
    const server = await scriptedServer(t, (request, i) => (void look(request, i), to(`${far.url}/x`)), options);
    await open(t, `wss://127.0.0.1:${server.port}/`, {
      redirects: {},
      tls: { ca: TLS.cert, ...TLS, servername: 'localhost' },
    });
    assert.deepEqual(seen, [true, false]);
  });

  test('nor is a context that holds it', async (t) => {
    const seen: boolean[] = [];
    const options = { ...TLS, requestCert: true, rejectUnauthorized: false };
    const look =
      (reply: (request: Parameters<Script>[0]) => string): Script =>
      (request) => {
        const { raw } = (request.socket as TLSSocket).getPeerCertificate();
        seen.push(raw !== undefined);
        return reply(request);
      };
    const far = await scriptedServer(t, look(accept), options);
    const server = await scriptedServer(
      t,
      look(() => to(`${far.url}/x`)),
      options,
    );
    const secureContext = createSecureContext({ ca: TLS.cert, ...TLS });
    await open(t, `wss://localhost:${server.port}/`, { redirects: {}, tls: { ca: TLS.cert, secureContext } });
    assert.deepEqual(seen, [true, false]);
  });

  test('TLS is not left, unless that is allowed', async (t) => {
    const far = await scriptedServer(t, (request) => accept(request));
    const server = await scriptedServer(t, sending(`http://localhost:${far.port}/x`), TLS);
    const error = await failed(server.url, SECRETS);
    assert.equal(error.code, 'PB_REDIRECT_DOWNGRADE');
    assert.equal(far.requests.length, 0);
    await open(t, server.url, { ...SECRETS, redirects: { allowDowngrade: true } });
    assert.deepEqual(
      SECRET_FIELDS.filter((name) => far.requests[0]!.fields.has(name)),
      [],
    );
  });

  test('the certificate of the other server is checked', async (t) => {
    const far = await scriptedServer(t, (request) => accept(request), TLS);
    const server = await scriptedServer(t, sending(`wss://127.0.0.2:${far.port}/x`));
    for (const tls of [{}, { ca: TLS.cert }]) {
      assert.match((await failed(server.url, { redirects: {}, tls })).code, /^PB_CONNECT_/);
    }
    assert.equal(far.requests.length, 0);
  });
});

describe('a cookie jar', () => {
  /** By host: enough for a test. */
  class Jar implements CookieJar {
    readonly cookies = new Map<string, Map<string, string>>();
    readonly asked: string[] = [];
    async getCookieString(url: string): Promise<string> {
      this.asked.push(url);
      return [...(this.cookies.get(new URL(url).host) ?? [])].map((pair) => pair.join('=')).join('; ');
    }
    async setCookie(line: string, url: string): Promise<void> {
      if (line.includes('evil')) throw new Error('not for you');
      const [name = '', value = ''] = line.split(';', 1)[0]!.split('=');
      const { host } = new URL(url);
      this.cookies.set(host, (this.cookies.get(host) ?? new Map()).set(name, value));
    }
  }

  test('is asked before each request, told every answer, and may refuse', async (t) => {
    const far = await scriptedServer(t, (request) => accept(request, 'Set-Cookie: d=4', 'Set-Cookie: evil=1'));
    const server = await scriptedServer(t, (_, index) =>
      index === 0
        ? to('/', 302, 'Set-Cookie: a=1; HttpOnly', 'Set-Cookie: b=2; Path=/', 'Set-Cookie: evil=1')
        : to(`${far.url}/`, 302, 'Set-Cookie: c=3'),
    );
    const cookieJar = new Jar();
    await open(t, server.url, { cookieJar, redirects: {}, headers: { cookie: 'own=0' } });
    assert.deepEqual(
      [...server.requests, ...far.requests].map(({ fields }) => fields.get('cookie')),
      ['own=0', 'own=0; a=1; b=2', undefined],
    );
    await open(t, far.url, { cookieJar });
    assert.equal(far.requests[1]!.fields.get('cookie'), 'd=4');
    assert.deepEqual(cookieJar.asked.slice(0, 3), [
      `http://127.0.0.1:${server.port}/`,
      `http://127.0.0.1:${server.port}/`,
      `http://127.0.0.1:${far.port}/`,
    ]);
  });

  test('that fails, fails the connection; that gives what no header can hold, too', async (t) => {
    const server = await scriptedServer(t, (request) => accept(request));
    const cause = new Error('disk');
    const jar = (get: () => string): CookieJar => ({ getCookieString: get, setCookie: () => {} });
    const throwing = jar(() => {
      throw cause;
    });
    const error = await failed(server.url, { cookieJar: throwing });
    assert.deepEqual([error.code, error.cause], ['PB_CONNECT_CALLBACK', cause]);
    await assert.rejects(connect(server.url, { cookieJar: jar(() => 'a\r\nX: y') }), {
      code: 'PB_HEADER_VALUE_INVALID',
    });
    assert.equal(server.requests.length, 0);
    await assert.rejects(connect(server.url, { cookieJar: {} as never }), { code: 'PB_OPTION_INVALID' });
  });
});

describe('Retry-After (RFC 9110 §10.2.3)', () => {
  const busy = (value: string, status = 503): string => answer(status, [`Retry-After: ${value}`], 'busy');

  test('503 and 429 are tried again after it, by default not at all', async (t) => {
    for (const status of [503, 429]) {
      const server = await scriptedServer(t, (request, index) => (index === 0 ? busy('0', status) : accept(request)));
      assert.equal((await failed(server.url, {})).status, status);
      await open(t, server.url, {});
      const again = await scriptedServer(t, (request, index) => (index < 3 ? busy('0', status) : accept(request)));
      await open(t, again.url, { retries: {} });
      assert.equal(again.requests.length, 4);
    }
  });

  test('seconds and dates are waited for, which the deadline does not count', async (t) => {
    const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000);
    const server = await scriptedServer(t, (request, index) =>
      index === 0 ? busy('1') : index === 1 ? busy(at.toUTCString()) : accept(request),
    );
    const start = performance.now();
    await open(t, server.url, { retries: { max: 2 }, handshakeTimeout: 900 });
    assert.ok(performance.now() - start >= 990);
    assert.ok(Date.now() >= at.getTime());
  });

  test('is bounded in number and in time; without a time there is no other try', async (t) => {
    const server = await scriptedServer(t, () => busy('0'));
    const error = await failed(server.url, { retries: { max: 2 } });
    assert.deepEqual([error.code, error.status, error.hops.length, error.retry], ['PB_ANSWER_STATUS', 503, 3, true]);
    for (const value of ['3600', '31', 'soon', '-1', '99999999999']) {
      const patient = await scriptedServer(t, () => busy(value));
      assert.equal((await failed(patient.url, { retries: {} })).hops.length, 1);
    }
    const silent = await scriptedServer(t, () => answer(503));
    assert.equal((await failed(silent.url, { retries: {} })).hops.length, 1);
    const other = await scriptedServer(t, () => busy('0', 500));
    assert.equal((await failed(other.url, { retries: {} })).hops.length, 1);
  });

  test('is given up by the signal at once', async (t) => {
    const abort = new AbortController();
    const server = await scriptedServer(t, () => busy('20'));
    const trace = ({ type }: TraceEvent): void => {
      if (type === 'answer') setImmediate(() => abort.abort(new Error('enough')));
    };
    await assert.rejects(connect(server.url, { retries: {}, signal: abort.signal, trace }), /enough/);
    await server.allClosed();
  });

  test('options are checked', async () => {
    for (const retries of [{ max: -1 }, { maxWait: 0.5 }, { wait: 1 }, true]) {
      await assert.rejects(connect('ws://127.0.0.1:1/', { retries: retries as never }), { code: 'PB_OPTION_INVALID' });
    }
  });
});

describe('a line end in what a caller can set (RFC 9110 §5.5)', () => {
  const bad = ['a\r\nX: y', 'a\nb', 'a\rb', 'a\0b'];
  const cases: [title: string, options: (value: string) => ConnectOptions][] = [
    ['a header', (value) => ({ headers: { 'X-A': value } })],
    ['the name of a header', (value) => ({ headers: [[value, 'b']] })],
    ['a cookie', (value) => ({ headers: { Cookie: value } })],
    ['Origin', (origin) => ({ origin })],
    ['a subprotocol', (value) => ({ subprotocols: [value] })],
    ['a bearer token', (bearer) => ({ bearer })],
    ['a fetched token', (value) => ({ bearer: () => value })],
    ['a username', (username) => ({ credentials: { username, password: '' } })],
    ['a password', (password) => ({ credentials: { username: '', password } })],
    ['the name of a scheme', (scheme) => ({ authentication: { scheme, respond: () => '' } })],
    ['a cookie of the jar', (value) => ({ cookieJar: { getCookieString: () => value, setCookie: () => {} } })],
    ['the password of a proxy', (value) => ({ proxy: `http://u:${encodeURIComponent(value)}@127.0.0.1:1` })],
  ];
  for (const [title, options] of cases) {
    test(`is refused in ${title}`, async (t) => {
      const server = await scriptedServer(t, (request) => accept(request));
      for (const value of bad) {
        await assert.rejects(connect(server.url, options(value)), ({ code }: { code?: string }) =>
          /^PB_(?:OPTION_INVALID|HEADER_\w+_INVALID|ORIGIN_INVALID|SUBPROTOCOL_INVALID)$/.test(code!),
        );
      }
      assert.equal(server.requests.length, 0);
    });
  }
});
