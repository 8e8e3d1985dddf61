import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import {
  type ClientConnection,
  type ConnectOptions,
  HandshakeError,
  type TraceEvent,
  WebSocket,
  WebSocketStream,
} from '@pulsebeacon/websocket';
import { failed as failedWith, open as openWith } from '../support/connecting.ts';
import { AUTHORITY, CERTIFICATES } from '../support/bad-certificates.ts';
import { digestParameters, isRightDigest } from '../support/digest-verifier.ts';
import { answerStream, echoStream, http2Server, type StreamRequest, TRUST } from '../support/http2-server.ts';
import { answer, type Script, scriptedServer, tunnel } from '../support/scripted-server.ts';

const options = { httpVersion: '2', tls: TRUST, proxyTls: TRUST } as const;

const open = (t: TestContext, url: string, more: ConnectOptions = {}): Promise<ClientConnection> =>
  openWith(t, url, { ...options, ...more });

const failed = (url: string, more: ConnectOptions = {}): Promise<HandshakeError> =>
  failedWith(url, { ...options, ...more });

const fields = (requests: readonly StreamRequest[], name: string): (string | undefined)[] =>
  requests.map(({ field }) => field(name));

describe('the whole HTTP loop, over HTTP/2', () => {
  test('401: Basic, on the same session', async (t) => {
    const server = await http2Server(t, (request) => {
      if (request.field('authorization') === 'Basic dTpw') echoStream(request);
      else answerStream(request.stream, 401, { 'www-authenticate': 'Basic realm="x"' }, 'who?');
    });
    await open(t, server.url, { credentials: { username: 'u', password: 'p' } });
    assert.deepEqual(fields(server.requests, 'authorization'), [undefined, 'Basic dTpw']);
    assert.equal(server.sockets.length, 1);
  });

  test('401: Digest is of the method CONNECT', async (t) => {
    const challenge = 'Digest realm="x", nonce="n", qop="auth", algorithm=SHA-256';
    const server = await http2Server(t, (request) => {
      const value = request.field('authorization');
      if (value === undefined) return answerStream(request.stream, 401, { 'www-authenticate': challenge });
      const account = { username: 'u', password: 'p', realm: 'x', algorithm: 'SHA-256' };
      const isRight = isRightDigest(value, 'CONNECT', account) && digestParameters(value)['uri'] === '/a?b';
      return isRight ? echoStream(request) : answerStream(request.stream, 403);
    });
    await open(t, `${server.url}/a?b`, { credentials: { username: 'u', password: 'p' } });
  });

  test('a refusal has its status, its header and the start of its body in the error', async (t) => {
    const server = await http2Server(t, ({ stream }) =>
      answerStream(stream, 403, { 'x-why': 'so' }, 'x'.repeat(100_000)),
    );
    const error = await failed(server.url);
    assert.deepEqual([error.code, error.status, error.headers.get('x-why')], ['PB_ANSWER_STATUS', 403, 'so']);
    assert.equal(error.body, 'x'.repeat(4096));
    assert.deepEqual(error.hops, [{ url: `${server.url}/`, status: 403 }]);
  });

  test('a body that does not end is waited for as long as the handshake may take, and then told', async (t) => {
    const server = await http2Server(t, ({ stream }) => {
      stream.respond({ ':status': 403 });
      stream.write('because');
    });
    const error = await failed(server.url, { handshakeTimeout: 250 });
    assert.deepEqual([error.status, error.body], [403, 'because']);
  });

  test('redirects: within the origin on the same session, to another one without credentials', async (t) => {
    const far = await http2Server(t, echoStream);
    const near = await http2Server(t, ({ stream, field }) =>
      answerStream(stream, 307, { location: field(':path') === '/' ? '/next' : `https://localhost:${far.port}/far` }),
    );
    const connection = await open(t, near.url, { redirects: {}, headers: { Authorization: 'secret' } });
    assert.equal(connection.url, `${far.url}/far`);
    assert.deepEqual(fields(near.requests, ':path'), ['/', '/next']);
    assert.deepEqual(fields(near.requests, 'authorization'), ['secret', 'secret']);
    assert.equal(near.sockets.length, 1);
    assert.deepEqual(fields(far.requests, 'authorization'), [undefined]);
  });

  test('503 with Retry-After is tried again', async (t) => {
    const server = await http2Server(t, (request) =>
      request.index === 0 ? answerStream(request.stream, 503, { 'retry-after': '0' }) : echoStream(request),
    );
    await open(t, server.url, { retries: {} });
    assert.equal(server.requests.length, 2);
  });

  test('cookies are sent and stored', async (t) => {
    const stored: string[] = [];
    const server = await http2Server(t, (request) => echoStream(request, { 'set-cookie': 'b=2; Path=/' }));
    const cookieJar = { getCookieString: () => 'a=1', setCookie: (line: string) => void stored.push(line) };
    await open(t, server.url, { cookieJar });
    assert.deepEqual([server.requests[0]!.field('cookie'), stored], ['a=1', ['b=2; Path=/']]);
  });

  test('a trace shows the fields of both sides', async (t) => {
    const server = await http2Server(t, echoStream);
    const events: TraceEvent[] = [];
    await open(t, `${server.url}/x`, { trace: (event) => void events.push(event) });
    const texts = events.map((event) => ('text' in event ? event.text : event.type));
    assert.match(texts[0]!, /^:method: CONNECT\r\n:protocol: websocket\r\n:scheme: https\r\n/);
    assert.match(texts[1]!, /^:status: 200\r\n/);
  });
});

describe('HTTP/2 through a forward proxy', () => {
  const asking: Script = (request) => {
    if (request.fields.get('proxy-authorization') !== 'Basic dTpw') {
      return answer(407, ['Proxy-Authenticate: Basic realm="p"']);
    }
    tunnel(request);
    return undefined;
  };

  for (const [what, isProxySecure, isClear] of [
    ['wss through http', false, false],
    ['wss through https', true, false],
    ['ws through http', false, true],
    ['ws through https', true, true],
  ] as const) {
    test(`${what}: one tunnel for all, with a password`, async (t) => {
      const proxy = await scriptedServer(t, asking, isProxySecure ? CERTIFICATES.good : undefined);
      const server = await http2Server(t, echoStream, { isClear });
      const address = `${isProxySecure ? 'https://u:p@localhost' : 'http://u:p@127.0.0.1'}:${proxy.port}`;
      await Promise.all([1, 2, 3].map(() => open(t, server.url, { proxy: address })));
      assert.deepEqual([server.requests.length, server.sockets.length], [3, 1]);
      assert.deepEqual([...new Set(proxy.requests.map(({ method }) => method))], ['CONNECT']);
      assert.equal(proxy.requests.length, 1);
    });
  }

  test('a proxy that opens no tunnel is in the error of each', async (t) => {
    const proxy = await scriptedServer(t, () => answer(403));
    const server = await http2Server(t, echoStream);
    const all = [1, 2].map(() => failed(server.url, { proxy: `http://127.0.0.1:${proxy.port}` }));
    for (const error of await Promise.all(all)) {
      assert.equal(error.code, 'PB_PROXY_STATUS');
      assert.deepEqual(error.hops, [{ url: `${server.url}/`, proxy: `http://127.0.0.1:${proxy.port}`, status: 403 }]);
    }
  });

  test('`auto` falls back through the proxy, too', async (t) => {
    const proxy = await scriptedServer(t, asking);
    const server = await http2Server(t, echoStream, { settings: { enableConnectProtocol: false }, allowHTTP1: true });
    const address = `http://u:p@127.0.0.1:${proxy.port}`;
    await open(t, server.url, { httpVersion: 'auto', proxy: address });
    assert.equal(server.upgrades(), 1);
  });
});

describe('certificates are checked as over HTTP/1.1', () => {
  for (const name of Object.keys(CERTIFICATES) as (keyof typeof CERTIFICATES)[]) {
    if (name === 'good') continue;
    test(`${name}: no session, and nothing is sent`, async (t) => {
      const server = await http2Server(t, echoStream, { tls: CERTIFICATES[name] });
      for (const httpVersion of ['2', 'auto'] as const) {
        const error = await failed(server.url, { httpVersion, tls: { ca: AUTHORITY } });
        assert.equal(error.code, 'PB_CONNECT_TLS');
      }
      assert.equal(server.requests.length, 0);
    });
  }
});

describe('the interfaces of the WHATWG ride on the same', () => {
  test('WebSocket', async (t) => {
    const server = await http2Server(t, echoStream);
    const socket = new WebSocket(server.url, [], options);
    await once(socket, 'open');
    socket.send('hello');
    const [event] = (await once(socket, 'message')) as [{ data: unknown }];
    assert.equal(event.data, 'hello');
    socket.close(1000);
    await once(socket, 'close');
    assert.equal(server.requests.length, 1);
  });

  test('WebSocketStream', async (t) => {
    const server = await http2Server(t, echoStream);
    const stream = new WebSocketStream(server.url, options);
    const { readable, writable } = await stream.opened;
    await writable.getWriter().write('hello');
    assert.equal((await readable.getReader().read()).value, 'hello');
    stream.close();
    await stream.closed;
    assert.equal(server.requests.length, 1);
  });
});
