// Bodies over HTTP/2 that are cut off, by frames that are written by hand: Node tells the end of what has come of them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import {
  ACK,
  CANCEL,
  DATA,
  END_STREAM,
  FrameClient,
  frame,
  GOAWAY,
  HEADERS,
  headers,
  PING,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from '@pulsebeacon/contracts/http2-frames';
import { Hub } from '@pulsebeacon/hub';

const NO_ERROR = 0;

/** Goes away in the middle of a body. `session` is the server's. */
type Cut = (client: FrameClient, session: ServerHttp2Session) => void;

const CUTS: Readonly<Record<string, Cut>> = {
  'RST_STREAM with CANCEL': (client) => client.write(frame(RST_STREAM, 0, 1, uint32(CANCEL))),
  'RST_STREAM with NO_ERROR': (client) => client.write(frame(RST_STREAM, 0, 1, uint32(NO_ERROR))),
  'a socket that is destroyed': (client) => void client.socket.destroy(),
  'a socket that is reset': (client) => void client.socket.resetAndDestroy(),
  'a socket that ends': (client) => void client.socket.end(),
  'a session that breaks the protocol': (client) => client.write(frame(SETTINGS, 0, 1)),
  'GOAWAY with NO_ERROR, and the end of the socket': (client) => {
    client.socket.end(frame(GOAWAY, 0, 0, Buffer.alloc(8)));
  },
  'GOAWAY with an error': (client) => client.write(frame(GOAWAY, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]))),
  'a session that the server destroys': (_, session) => session.destroy(),
};

const COMMANDS = JSON.stringify({
  hello: { versions: [1] },
  commands: [{ type: 'publish', id: 1, channel: 'news', data: 'x' }],
});

/** What a body is for, one that says all, and the part of it that comes. */
const REQUESTS = {
  'POST /channels/news': ['/channels/news', '1234567', '1234'],
  // What came would be whole, had it been all.
  'POST /connect': ['/connect', `${COMMANDS}   `, COMMANDS],
} as const;

class Host {
  readonly hub = new Hub({ namespaces: [{ match: '*', publish: 'anyone', maxMessageSize: 65_536 }] });
  readonly server: Http2Server = createServer();
  port = 0;

  static async start(t: TestContext): Promise<Host> {
    const host = new Host();
    const { hub, server } = host;
    hub.attach(server);
    const sessions = new Set<ServerHttp2Session>();
    server.on('session', (session) => sessions.add(session.on('error', () => {})));
    server.on('stream', (stream) => stream.on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    host.port = (server.address() as AddressInfo).port;
    t.after(async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await hub.close();
    });
    return host;
  }

  /** Sends the head of a request, what is given of its body, and waits until the server has read that. */
  async begin(t: TestContext, path: string, part: string, length?: number): Promise<[FrameClient, ServerHttp2Stream]> {
    const begun = once(this.server, 'stream') as Promise<[ServerHttp2Stream]>;
    const client = await FrameClient.connect(t, this.port);
    client.write(headers(1, post(path, length)));
    const [stream] = await begun;
    client.write(frame(DATA, 0, 1, Buffer.from(part)), frame(PING, 0, 0, Buffer.alloc(8)));
    await client.find(({ type, flags }) => type === PING && (flags & ACK) !== 0);
    return [client, stream];
  }

  /** A request that is whole is answered, and nothing but it was published. */
  async assertOnlyWhole(t: TestContext, path: string, body: string): Promise<void> {
    assert.equal(this.hub.counts().published, 0);
    const client = await FrameClient.connect(t, this.port);
    client.write(headers(1, post(path)), frame(DATA, END_STREAM, 1, Buffer.from(body)));
    await client.find(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0);
    assert.equal(this.hub.counts().published, 1, client.frames.map(({ payload }) => payload.toString()).join(' '));
  }
}

function post(path: string, length?: number): (readonly [string, string])[] {
  const fields: [string, string][] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'localhost'],
    [':path', path],
    ['content-type', path === '/connect' ? 'application/json' : 'text/plain'],
  ];
  return length === undefined ? fields : [...fields, ['content-length', String(length)]];
}

function closeOf(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.once('close', resolve);
  });
}

for (const [request, [path, whole, part]] of Object.entries(REQUESTS)) {
  describe(`${request} over HTTP/2: nothing is published of a body that is cut off by`, () => {
    for (const [name, cut] of Object.entries(CUTS)) {
      test(name, async (t) => {
        const host = await Host.start(t);
        for (const length of [undefined, whole.length]) {
          const [client, stream] = await host.begin(t, path, part, length);
          const closed = closeOf(stream);
          cut(client, stream.session as ServerHttp2Session);
          await closed;
        }
        await host.assertOnlyWhole(t, path, whole);
      });
    }

    test('frames that come with its last part', async (t) => {
      const host = await Host.start(t);
      for (const code of [CANCEL, NO_ERROR]) {
        const begun = once(host.server, 'stream') as Promise<[ServerHttp2Stream]>;
        const client = await FrameClient.connect(t, host.port);
        const data = frame(DATA, 0, 1, Buffer.from(part));
        client.write(headers(1, post(path)), data, frame(RST_STREAM, 0, 1, uint32(code)));
        const [stream] = await begun;
        await closeOf(stream);
      }
      await host.assertOnlyWhole(t, path, whole);
    });

    test('END_STREAM before the bytes of its Content-Length, or after more of them', async (t) => {
      const host = await Host.start(t);
      for (const body of [part, `${whole} `]) {
        const client = await FrameClient.connect(t, host.port);
        client.write(headers(1, post(path, whole.length)), frame(DATA, END_STREAM, 1, Buffer.from(body)));
        const reset = await client.find(
          ({ type, stream }) => stream === 1 && (type === RST_STREAM || type === HEADERS),
        );
        // Node 26 ends the whole session.
        assert.notEqual(reset?.type, HEADERS, 'it was answered');
      }
      await host.assertOnlyWhole(t, path, whole);
    });
  });
}

test('a body that turns out too large: the whole answer, and then RST_STREAM with NO_ERROR (RFC 9113 §8.1)', async (t) => {
  const host = await Host.start(t);
  const client = await FrameClient.connect(t, host.port);
  client.write(headers(1, post('/channels/news')));
  for (let i = 0; i < 3; i++) client.write(frame(DATA, 0, 1, Buffer.alloc(16_384)));
  await client.find(({ type, stream }) => type === WINDOW_UPDATE && stream === 1);
  for (let i = 0; i < 3; i++) client.write(frame(DATA, 0, 1, Buffer.alloc(16_384)));
  assert.equal(await client.resetOf(1), NO_ERROR);
  const answer = client.frames.filter(({ type, stream }) => stream === 1 && type !== WINDOW_UPDATE);
  const endsAt = answer.findIndex(({ flags }) => (flags & END_STREAM) !== 0);
  assert.deepEqual([answer[0]!.type, endsAt, answer.at(-1)!.type], [HEADERS, answer.length - 2, RST_STREAM]);
  assert.match(Buffer.concat(answer.slice(1, -1).map(({ payload }) => payload)).toString(), /PB_PAYLOAD_TOO_LARGE/);
});
