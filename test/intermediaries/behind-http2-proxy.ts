import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { after, before, describe, test, type TestContext } from 'node:test';
import { type ClientConnection, connect, type ConnectOptions, HandshakeError } from '@pulsebeacon/websocket';
import { LineParser, type PublicationMessage, readServerMessage, SseParser } from '@pulsebeacon/wire';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryFolder } from '../support/cleanup.ts';
import { refusal } from '../support/client.ts';
import { echoSuite } from '../support/echo-suite.ts';
import type { ProxyOptions, StartProxy } from '../support/proxy.ts';
import { type Served, startServe } from '../support/served.ts';
import { Site } from '../support/site.ts';

const LIMIT = 1_048_576;
const IDLE_SECONDS = 2;

interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface Http2ProxyTraits {
  /** It listens without TLS, with prior knowledge. Default false. */
  readonly clear?: boolean;
  /** It does not tell the client that the server's connection is reset: pings have to show it. Default false. */
  readonly hidesResets?: boolean;
  /** It speaks HTTP/2 to the server, too. Default: HTTP/1.1. */
  readonly toHttp2?: boolean;
}

/** A reverse proxy that speaks HTTP/2 (RFC 8441) to the client, and perhaps to the server: everything as without it. */
export async function behindHttp2Proxy(
  name: string,
  start: StartProxy,
  { clear = false, hidesResets = false, toHttp2 = false }: Http2ProxyTraits = {},
): Promise<void> {
  const files = await makeCertificate(await temporaryFolder({ after }));
  const how: ProxyOptions = { ...(clear ? { clearHttp2: true } : { tls: files }), toHttp2 };
  const server = { http2: toHttp2 };
  const ca = await readFile(files.certFile, 'utf8');
  const options: ConnectOptions = { httpVersion: '2', ...(clear ? {} : { tls: { ca } }) };
  const scheme = clear ? '' : 's';
  const site = await Site.start({ after }, {}, server);
  const port = await start({ after }, site.port, how);
  const url = (path: string, at = port): string => `ws${scheme}://localhost:${at}${path}`;

  /** A connection, and how it ended. */
  async function open(
    t: TestContext,
    where: string,
    more: ConnectOptions = {},
  ): Promise<{ connection: ClientConnection; closed: Promise<Closed> }> {
    let onClosed!: (closed: Closed) => void;
    const closed = new Promise<Closed>((resolve) => (onClosed = resolve));
    const close = (_: unknown, code: number, reason: string): void => onClosed({ code, reason });
    const connection = await connect(where, { ...options, ...more, message() {}, close });
    t.after(() => connection.terminate());
    return { connection, closed };
  }

  function session(t: { after(end: () => void): void }, at: number): ClientHttp2Session {
    const made = http2.connect(`http${scheme}://localhost:${at}`, { ca });
    made.on('error', () => {});
    t.after(() => made.destroy());
    return made;
  }

  echoSuite(`our server behind ${name}`, {
    url: url('/echo'),
    deflateUrl: url('/takeover'),
    subprotocol: { ask: ['v1.echo'], get: 'v1.echo' },
    // HAProxy 2.6 reads a session of HTTP/2 in order: what one stream cannot pass on holds up its WINDOW_UPDATEs as well.
    inTurn: toHttp2,
    options: options as ConnectOptions<unknown>,
  });

  describe(`WebSockets over HTTP/2 behind ${name}`, () => {
    test(`reach the server over HTTP/${toHttp2 ? '2' : '1.1'}`, async (t) => {
      const before = site.accepted;
      await open(t, url('/echo'));
      const [version, other] = toHttp2 ? (['2', '1.1'] as const) : (['1.1', '2'] as const);
      assert.deepEqual([site.accepted[version], site.accepted[other]], [before[version] + 1, 0]);
    });

    test('close codes, both ways', async (t) => {
      for (const code of [1000, 3000, 4999]) {
        const { connection, closed } = await open(t, url('/commands'));
        connection.close(code, 'because');
        assert.equal((await closed).code, code);
        assert.deepEqual(await site.ended('/commands'), { code, reason: 'because', wasClean: true });
      }
      for (const [command, expected] of Object.entries({
        'close 4001 bye': { code: 4001, reason: 'bye' },
        'close 1012': { code: 1012, reason: '' },
        terminate: { code: 1006, reason: '' },
      })) {
        const pings = hidesResets && command === 'terminate' ? { pingInterval: 300, pongTimeout: 300 } : {};
        const { connection, closed } = await open(t, url('/commands'), pings);
        connection.send(command);
        assert.equal((await closed).code, expected.code);
        assert.equal((await site.ended('/commands')).code, expected.code);
      }
    });

    test('a large message, and one above the limit: 1009 comes through', async (t) => {
      const { connection, closed } = await open(t, url('/commands'));
      connection.send(new Uint8Array(LIMIT + 1));
      assert.equal((await closed).code, 1009);
      assert.equal((await site.ended('/commands')).code, 1009);
    });

    test('a client that vanishes is noticed', async (t) => {
      const { connection } = await open(t, url('/commands'));
      connection.terminate();
      assert.equal((await site.ended('/commands')).code, 1006);
    });
  });

  describe(`idle connections behind ${name}, which ends them after ${IDLE_SECONDS} s`, { concurrency: 2 }, () => {
    test('pings keep them', async (t) => {
      const pinging = await Site.start(t, { pingInterval: 300, pongTimeout: 5000 }, server);
      const at = await start(t, pinging.port, { ...how, idle: `${IDLE_SECONDS}s` });
      const beats = new EventEmitter().on('error', () => {});
      const connection = await connect(url('/echo', at), {
        ...options,
        ping: () => void beats.emit('ping'),
        message: (_, data) => void beats.emit('message', data),
        close: (_, code) => void beats.emit('error', new Error(`closed with ${code}`)),
      });
      t.after(() => connection.terminate());
      const opened = performance.now();
      while (performance.now() - opened < 2200 * IDLE_SECONDS) await once(beats, 'ping');
      connection.send('hello');
      assert.deepEqual(await once(beats, 'message'), ['hello']);
    });

    test('without pings they end, as 1006 on both sides', async (t) => {
      const silent = await Site.start(t, { pingInterval: 0 }, server);
      const at = await start(t, silent.port, { ...how, idle: `${IDLE_SECONDS}s` });
      const { closed } = await open(t, url('/echo', at));
      assert.equal((await closed).code, 1006);
      assert.equal((await silent.ended('/echo')).code, 1006);
    });
  });

  describe(`refused handshakes behind ${name}`, () => {
    for (const [path, status] of Object.entries({
      '/private': 401,
      '/forbidden': 403,
      '/nowhere': 404,
      '/full': 503,
    })) {
      test(`${status} passes as it is`, async () => {
        const direct = await refusal(site.socket(path));
        const through = await connect(url(path), options).catch((reason: unknown) => reason);
        assert.ok(through instanceof HandshakeError, String(through));
        assert.deepEqual([through.code, through.status], ['PB_ANSWER_STATUS', status]);
        assert.equal(through.headers.get('content-type'), 'application/problem+json');
        assert.deepEqual(JSON.parse(through.body), JSON.parse(direct.body));
        for (const field of ['www-authenticate', 'retry-after', 'cache-control']) {
          assert.equal(through.headers.get(field) ?? undefined, direct.headers[field], field);
        }
      });
    }
  });

  describe(`request smuggling through ${name}`, () => {
    for (const anyUpgrade of [false, true]) {
      const which = anyUpgrade ? 'which passes on any upgrade' : 'as it ships';
      test(`${which}: a request behind a refused handshake never reaches the server`, async (t) => {
        const at = anyUpgrade ? await start(t, site.port, { ...how, anyUpgrade }) : port;
        const client = session(t, at);
        await once(client, 'remoteSettings');
        for (const [protocol, version] of [
          ['websocket', '99'],
          ['websocket', ''],
          ['h2c', '13'],
        ] as const) {
          const stream = client.request(
            {
              ':method': 'CONNECT',
              ':protocol': protocol,
              ':scheme': `http${scheme}`,
              ':path': '/echo',
              ':authority': `localhost:${at}`,
              'sec-websocket-version': version,
            },
            { endStream: false },
          );
          stream.on('error', () => {});
          // At once, and after the answer.
          const internal = 'GET /internal HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
          stream.write(internal);
          stream.once('response', () => void (stream.writable && stream.end(internal)));
          const seen = await everything(stream);
          assert.doesNotMatch(seen, /"path":"\/internal"/, `${protocol} ${version}`);
        }
        assert.equal(site.internalHits, 0);
      });
    }
  });

  describe(`channels over HTTP/2 behind ${name}`, () => {
    const ends: (() => unknown)[] = [];
    let served: Served;
    let at: number;
    let client: ClientHttp2Session;
    before(async () => {
      const scope = { after: (end: () => unknown) => void ends.unshift(end) };
      served = await startServe(scope);
      at = await start(scope, served.port, how);
      client = session(scope, at);
    });
    after(async () => {
      for (const end of ends) await end();
    });

    async function publish(channel: string, data: string): Promise<string> {
      const stream = client.request({
        ':method': 'POST',
        ':path': `/channels/${channel}`,
        authorization: `Bearer ${served.key}`,
        'content-type': 'text/plain',
      });
      stream.end(data);
      return (JSON.parse(await everything(stream)) as { position: string }).position;
    }

    test('WebSocket', async () => {
      const connection = await connect(url('/channels/socket', at), options);
      const messages = connection.messages();
      await publish('socket', 'one');
      assert.equal((await messages[Symbol.asyncIterator]().next()).value, 'one');
      connection.terminate();
    });

    for (const form of ['sse', 'ndjson'] as const) {
      test(`${form}: each message arrives when it is sent`, async () => {
        const stream = client.request({ ':path': `/channels/${form}?follow&as=${form}` });
        const parser = form === 'sse' ? new SseParser() : new LineParser();
        const wanted = ['one', 'two'];
        for await (const text of stream.setEncoding('utf8')) {
          for (const item of parser.push(text as string)) {
            const message = readServerMessage(typeof item === 'string' ? item : item.data)!;
            if (message.type === 'publication') assert.equal(message.data, wanted.shift());
            if (message.type !== 'heartbeat' && wanted.length > 0) await publish(form, wanted[0]!);
          }
          if (wanted.length === 0) break;
        }
      });
    }

    test('long poll', async () => {
      const position = await publish('poll', 'one');
      const waiting = client.request({ ':path': `/channels/poll?wait=20&since=${encodeURIComponent(position)}` });
      await publish('poll', 'two');
      const { publications } = JSON.parse(await everything(waiting)) as { publications: PublicationMessage[] };
      assert.deepEqual(
        publications.map(({ data }) => data),
        ['two'],
      );
    });
  });
}

/** All that comes on a stream until it is over, however it ends. */
async function everything(stream: ClientHttp2Stream): Promise<string> {
  let text = '';
  try {
    for await (const part of stream.setEncoding('utf8')) text += part as string;
  } catch {
    // Reset: what came before it counts.
  }
  return text;
}
