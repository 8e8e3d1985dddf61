import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  type ClientConnection,
  connect,
  type ConnectOptions,
  HandshakeError,
  HandshakeUsageError,
  UsageError,
} from '@pulsebeacon/websocket';
import { failed as failedWith, open as openWith } from '../support/connecting.ts';
import { Aim } from '#dist/node/client/aim.js';
import { SessionPool } from '#dist/node/client/http2/session-pool.js';
import { resolveSettings } from '#dist/node/client/options.js';
import { parseTarget } from '#dist/node/client/target.js';
import { acceptStream, echoStream, http2Server, TRUST } from '../support/http2-server.ts';
import { accept, scriptedServer } from '../support/scripted-server.ts';

const options = { httpVersion: '2', tls: TRUST } as const;
const auto = { httpVersion: 'auto', tls: TRUST } as const;
const { constants } = http2;

const open = (t: TestContext, url: string, more: ConnectOptions = options): Promise<ClientConnection> =>
  openWith(t, url, more);

const failed = (url: string, more: ConnectOptions = options): Promise<HandshakeError> => failedWith(url, more);

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

describe('WebSockets that share a session of HTTP/2', () => {
  test('those that are opened at once make one connection', async (t) => {
    const server = await http2Server(t, echoStream);
    const echoed = async (at: number): Promise<unknown> => {
      const connection = await open(t, server.url);
      const messages = connection.messages();
      connection.send(`number ${at}`);
      return (await messages.next()).value;
    };
    assert.deepEqual(
      await Promise.all(times(30, echoed)),
      times(30, (at) => `number ${at}`),
    );
    assert.deepEqual([server.sockets.length, server.requests.length], [1, 30]);
  });

  test('`auto` uses HTTP/2 where the server offers it, and `1.1`, the default, never asks', async (t) => {
    const server = await http2Server(t, echoStream, { allowHTTP1: true });
    await open(t, server.url, auto);
    assert.deepEqual([server.requests.length, server.upgrades()], [1, 0]);
    await open(t, server.url, { tls: TRUST });
    assert.deepEqual([server.requests.length, server.upgrades()], [1, 1]);
  });

  test('`auto` opens over HTTP/1.1 on the very connection for which the server has chosen it', async (t) => {
    const server = await scriptedServer(t, (request) => accept(request), await goodTls());
    await open(t, server.url, auto);
    assert.equal(server.connections(), 1);
    const error = await failed(server.url);
    assert.equal(error.code, 'PB_HTTP2_UNAVAILABLE');
    assert.match(error.message, /the server chose HTTP\/1\.1 by ALPN/);
  });

  test('over ws: `auto` is HTTP/1.1, and `2` is prior knowledge', async (t) => {
    const old = await scriptedServer(t, (request) => accept(request));
    await open(t, old.url, { httpVersion: 'auto' });
    const server = await http2Server(t, echoStream, { isClear: true });
    await open(t, server.url, { httpVersion: '2' });
    assert.equal(server.requests.length, 1);
  });

  test('a server of HTTP/1.1 that is spoken to in HTTP/2 is an error that says so', async (t) => {
    const server = http.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const error = await failed(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { httpVersion: '2' });
    assert.equal(error.code, 'PB_HTTP2_UNAVAILABLE');
    assert.match(error.message, /what it sent is no HTTP\/2/);
  });

  test('other options of TLS have a session of their own; the same values, written anew, have not', async (t) => {
    const server = await http2Server(t, echoStream);
    await open(t, server.url, { ...options, tls: { ...TRUST } });
    await open(t, server.url, { ...options, tls: { ...TRUST } });
    assert.equal(server.sockets.length, 1);
    await open(t, server.url, { ...options, tls: { ...TRUST, minVersion: 'TLSv1.3' } });
    await open(t, server.url, { ...options, tls: { ca: [TRUST.ca] } });
    assert.equal(server.sockets.length, 3);
  });
});

describe('the limit of streams', () => {
  test('MAX_CONCURRENT_STREAMS is kept, with another connection where it is reached', async (t) => {
    const server = await http2Server(t, echoStream, { settings: { maxConcurrentStreams: 2 } });
    await Promise.all(times(5, () => open(t, server.url)));
    assert.equal(server.sockets.length, 3);
    const perSession = times(3, (at) => server.requests.filter(({ session }) => session === at).length);
    assert.deepEqual(perSession.toSorted(), [1, 2, 2]);
  });

  test('a stream that ends makes room for the next', async (t) => {
    const server = await http2Server(t, echoStream, { settings: { maxConcurrentStreams: 1 } });
    for (let i = 0; i < 3; i++) {
      const closed = new Promise<void>((resolve) => {
        void open(t, server.url, { ...options, message: () => {}, open: (c) => c.close(), close: () => resolve() });
      });
      await closed;
      // The server has to see the end as well, or it would count the stream.
      const { stream } = server.requests.at(-1)!;
      if (!stream.destroyed) await once(stream, 'close');
    }
    assert.equal(server.sockets.length, 1);
  });

  test('a server that takes no stream at all offers nothing', async (t) => {
    const server = await http2Server(t, echoStream, { settings: { maxConcurrentStreams: 0 }, allowHTTP1: true });
    assert.match((await failed(server.url)).message, /MAX_CONCURRENT_STREAMS 0/);
    await open(t, server.url, auto);
    assert.equal(server.upgrades(), 1);
  });

  test('RFC 9113 §8.7: a stream that was refused unseen is asked for again', async (t) => {
    const server = await http2Server(t, (request) => {
      if (request.index === 1) request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else echoStream(request);
    });
    await open(t, server.url);
    await open(t, server.url);
    assert.deepEqual(
      server.requests.map(({ session }) => session),
      [0, 0, 1],
    );
  });

  test('a server that refuses every stream is given up, as one that may be tried later', async (t) => {
    const server = await http2Server(t, ({ stream }) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    const error = await failed(server.url);
    assert.deepEqual([error.code, error.retry, server.requests.length], ['PB_HTTP2_REFUSED', true, 4]);
  });

  test('RFC 9113 §7: HTTP_1_1_REQUIRED is obeyed by `auto`, and told by `2`', async (t) => {
    const server = await http2Server(t, ({ stream }) => stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED), {
      allowHTTP1: true,
    });
    const error = await failed(server.url);
    assert.equal(error.code, 'PB_HTTP2_UNAVAILABLE');
    assert.match(error.message, /HTTP_1_1_REQUIRED/);
    await open(t, server.url, auto);
    assert.equal(server.upgrades(), 1);
  });

  test('another reset before the answer is an answer that did not come, and names the code', async (t) => {
    const server = await http2Server(t, ({ stream }) => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
    const error = await failed(server.url);
    assert.equal(error.code, 'PB_ANSWER_ENDED');
    assert.match(error.message, /INTERNAL_ERROR/);
  });
});

describe('the end of a session', () => {
  test('RFC 9113 §6.8: after GOAWAY what is open goes on, and what is new goes elsewhere', async (t) => {
    const server = await http2Server(t, echoStream);
    const first = await open(t, server.url);
    const messages = first.messages();
    server.sessions[0]!.goaway(constants.NGHTTP2_NO_ERROR);
    first.send('still there');
    assert.equal((await messages.next()).value, 'still there');
    await open(t, server.url);
    assert.deepEqual(
      server.requests.map(({ session }) => session),
      [0, 1],
    );
    first.send('and still');
    assert.equal((await messages.next()).value, 'and still');
  });

  test('a session that was used before and dies under a request costs a retry, not an error', async (t) => {
    const server = await http2Server(t, (request) => {
      if (request.index === 1) server.sockets[0]!.destroy();
      else echoStream(request);
    });
    const first = await connect(server.url, { ...options, message: () => {} });
    await open(t, server.url);
    assert.deepEqual([first.state, server.requests.length], ['closed', 3]);
  });

  test('the first request on a session that dies is an error', async (t) => {
    const server = await http2Server(t, () => server.sockets[0]!.destroy());
    assert.equal((await failed(server.url)).code, 'PB_ANSWER_ENDED');
  });

  test('a server that ends the connection before its SETTINGS', async (t) => {
    const cut = http.createServer();
    cut.on('connection', (socket) => socket.destroy());
    cut.listen(0, '127.0.0.1');
    await once(cut, 'listening');
    t.after(() => cut.close());
    const error = await failed(`ws://127.0.0.1:${(cut.address() as AddressInfo).port}`, { httpVersion: '2' });
    assert.deepEqual([error.code, error.retry], ['PB_ANSWER_ENDED', true]);
  });

  test('a request that is not answered in time: the next one does not go to the same session', async (t) => {
    const server = await http2Server(t, (request) => (request.index === 0 ? undefined : echoStream(request)));
    const error = await failed(server.url, { ...options, handshakeTimeout: 250 });
    assert.equal(error.code, 'PB_ANSWER_TIMEOUT');
    await open(t, server.url);
    assert.equal(server.requests[1]!.session, 1);
  });

  test('where nobody uses it, it is closed after a moment', async (t) => {
    const server = await http2Server(t, echoStream);
    const pool = new SessionPool(1);
    const settings = resolveSettings(options);
    const aim = Aim.at(parseTarget(server.url), settings, new AbortController().signal);
    const sessions = pool.at(aim, settings);
    assert.equal(pool.at(aim, settings), sessions);
    const { connect: connectTls } = await import('node:tls');
    const session = new Promise<{ release(): void }>((resolve) => {
      const seeker = {
        onSession: resolve,
        onLead: () => {
          const socket = connectTls({ ...TRUST, host: 'localhost', port: server.port, ALPNProtocols: ['h2'] });
          socket.once('secureConnect', () => sessions.dialled(seeker, socket, server.url));
        },
        onNotOffered: assert.fail,
        onFailed: assert.fail,
      };
      sessions.seek(seeker);
    });
    (await session).release();
    await once(server.sessions[0]!, 'close');
    assert.notEqual(pool.at(aim, settings), sessions, 'nothing is left of it');
  });

  test('a process ends when its last connection has, whatever is kept for the next', async (t) => {
    const server = await http2Server(t, echoStream);
    const program = `
      import { connect } from ${JSON.stringify(import.meta.resolve('@pulsebeacon/websocket'))};
      const connection = await connect('${server.url}', { httpVersion: '2', tls: { rejectUnauthorized: false } });
      connection.close();
      for await (const _ of connection.messages());
      const before = performance.now();
      process.on('exit', () => console.log(performance.now() - before < 1500 ? 'at once' : 'late'));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
    });
    assert.equal(stdout.trim(), 'at once');
  });
});

describe('whoever connects for all', () => {
  test('is given up: the next one does it', async (t) => {
    const server = await http2Server(t, echoStream);
    const giveUp = new AbortController();
    const first = connect(server.url, { ...options, signal: giveUp.signal });
    const others = times(3, () => open(t, server.url));
    giveUp.abort(new Error('enough'));
    await assert.rejects(first, /enough/);
    await Promise.all(others);
    assert.equal(server.requests.length, 3);
    assert.equal(new Set(server.requests.map(({ session }) => session)).size, 1);
  });

  test('cannot: all are told, each for itself', async () => {
    const all = await Promise.all(times(3, () => failed('wss://localhost:1')));
    assert.deepEqual(
      all.map(({ code }) => code),
      times(3, () => 'PB_CONNECT_REFUSED'),
    );
  });

  test('one that waits is given up, and the others get theirs', async (t) => {
    const server = await http2Server(t, echoStream);
    const giveUp = new AbortController();
    const all = [open(t, server.url), connect(server.url, { ...options, signal: giveUp.signal }), open(t, server.url)];
    giveUp.abort(new Error('enough'));
    const [first, second, third] = await Promise.allSettled(all);
    assert.deepEqual([first?.status, second?.status, third?.status], ['fulfilled', 'rejected', 'fulfilled']);
    assert.equal(server.requests.length, 2);
  });
});

describe('what cannot be sent over HTTP/2', () => {
  test('fields of one connection are refused as soon as it could be HTTP/2 (RFC 9113 §8.2.2)', async () => {
    for (const httpVersion of ['auto', '2'] as const) {
      const wrong = connect('wss://localhost:1', { httpVersion, headers: { TE: 'trailers' } });
      await assert.rejects(
        wrong,
        (error) => error instanceof HandshakeUsageError && error.code === 'PB_HEADER_RESERVED',
      );
    }
  });

  test('a field that may be there once, twice', async (t) => {
    const server = await http2Server(t, echoStream);
    const headers = [
      ['Authorization', 'one'],
      ['Authorization', 'two'],
    ] as const;
    await assert.rejects(
      connect(server.url, { ...options, headers }),
      (error) => error instanceof UsageError && /over HTTP\/2.*authorization/.test(error.message),
    );
  });

  test('an option that is none', async () => {
    const wrong = connect('wss://localhost:1', { httpVersion: '3' as '2' });
    await assert.rejects(
      wrong,
      (error) => error instanceof UsageError && /httpVersion.*auto.*1\.1.*2/.test(error.message),
    );
  });

  test('options of TLS that Node does not take are a UsageError', async () => {
    const wrong = connect('wss://localhost:1', { httpVersion: '2', tls: { cert: 'none' } });
    await assert.rejects(wrong, (error) => error instanceof UsageError && /`tls`/.test(error.message));
  });
});

describe('limits of an answer', () => {
  test('more fields, or larger ones, than headerLimits allow', async (t) => {
    const many = Object.fromEntries(times(30, (at) => [`x-${at}`, 'y']));
    const server = await http2Server(t, ({ stream }) => acceptStream(stream, many));
    const few = await failed(server.url, { ...options, headerLimits: { maxFields: 20, maxBytes: 16_384 } });
    assert.equal(few.code, 'PB_ANSWER_TOO_MANY_FIELDS');
    const small = await failed(server.url, { ...options, headerLimits: { maxFields: 100, maxBytes: 100 } });
    assert.equal(small.code, 'PB_ANSWER_FIELDS_TOO_LARGE');
  });
});

async function goodTls(): Promise<{ key: string; cert: string; ALPNProtocols: string[] }> {
  const { CERTIFICATES } = await import('../support/bad-certificates.ts');
  return { ...CERTIFICATES.good, ALPNProtocols: ['http/1.1'] };
}
