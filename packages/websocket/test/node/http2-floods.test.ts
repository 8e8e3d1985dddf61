import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import net from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { type Http2Options, withHttp2 } from '@pulsebeacon/websocket';
import {
  ACK,
  CANCEL,
  CONTINUATION,
  connectFields,
  DATA,
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FrameClient,
  frame,
  GOAWAY,
  headerBlock,
  headers,
  HEADERS,
  PING,
  PREFACE,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from '@pulsebeacon/contracts/http2-frames';
import { listen, serve, type Served } from '../support/servers.ts';

const FRAME_SIZE_ERROR = 6;

/** The server has outlived it, and serves the next client. */
async function assertServing({ http2, server }: Served<unknown, 'owned'>): Promise<void> {
  const client = await http2();
  await client.open();
  assert.equal(server.counts().byHttpVersion['2'].open, 1);
}

describe('what a session of HTTP/2 must not do: it ends, and the server goes on', () => {
  test('rapid reset (CVE-2023-44487): streams that are opened and reset at once', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    for (let stream = 1; stream < 2000; stream += 2) {
      client.write(headers(stream, connectFields()), frame(RST_STREAM, 0, stream, uint32(CANCEL)));
    }
    assert.equal(await client.ending(), ENHANCE_YOUR_CALM);
    await assertServing(served);
  });

  test('as many resets as streams may be open at once are no flood', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    for (let stream = 1; stream < 200; stream += 2) client.write(headers(stream, connectFields()));
    await client.find(({ type, stream }) => type === HEADERS && stream === 199);
    for (let stream = 1; stream < 200; stream += 2) client.write(frame(RST_STREAM, 0, stream, uint32(CANCEL)));
    client.write(headers(201, connectFields()));
    assert.ok(await client.find(({ type, stream }) => type === HEADERS && stream === 201));
    client.socket.destroy();
  });

  test('streams beyond the 100 that it knows it may have open', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    await client.find(({ type, flags }) => type === SETTINGS && flags === 0);
    client.write(frame(SETTINGS, 1, 0));
    for (let stream = 1; stream < 208; stream += 2) client.write(headers(stream, connectFields()));
    assert.notEqual(await client.ending(), 0);
    assert.ok(served.server.counts().peak <= 100);
    await assertServing(served);
  });

  test('resets that the client makes the server send (CVE-2025-8671)', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    for (let stream = 1; stream < 2000; stream += 2) {
      client.write(headers(stream, connectFields()), frame(WINDOW_UPDATE, 0, stream, uint32(0)));
    }
    await client.closed;
    await assertServing(served);
  });

  test('a flood of PING (CVE-2019-9512)', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    for (let i = 0; i < 500; i++) client.write(frame(PING, 0, 0, Buffer.alloc(8)));
    assert.equal(await client.ending(), ENHANCE_YOUR_CALM);
    await assertServing(served);
  });

  test('a flood of SETTINGS (CVE-2019-9515)', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    for (let i = 0; i < 500; i++) client.write(frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])));
    assert.equal(await client.ending(), ENHANCE_YOUR_CALM);
    await assertServing(served);
  });

  test('DATA frames with nothing in them, on a stream that stays open (CVE-2019-9518)', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    client.write(headers(1, connectFields()));
    await client.find(({ type, stream }) => type === HEADERS && stream === 1);
    for (let i = 0; i < 5000; i++) client.write(frame(DATA, 0, 1));
    await client.closed;
    await assertServing(served);
  });

  test('priorities that change all the time (CVE-2019-9513) cost nothing: its own WebSockets go on', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    for (let i = 0; i < 10_000; i++)
      client.write(frame(PRIORITY, 0, 1 + 2 * (i % 200), Buffer.from([0, 0, 0, 0, i % 256])));
    client.write(headers(401, connectFields()));
    assert.ok(await client.find(({ type, stream }) => type === HEADERS && stream === 401));
    client.socket.destroy();
  });

  test('a short header that stands for 60 MB (CVE-2016-6581): its stream alone ends', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    // RFC 7541 §6.2.1: a literal that goes into the dynamic table; §6.1: the same again, in one byte each.
    const [, ...literal] = headerBlock([['x-bomb', 'y'.repeat(4000)]]);
    const bomb = Buffer.concat([
      headerBlock(connectFields()),
      Buffer.from([0x40, ...literal]),
      Buffer.alloc(12_000, 0xbe),
    ]);
    client.write(frame(HEADERS, END_HEADERS, 1, bomb));
    const answer = await client.find(({ type, stream }) => stream === 1 && (type === RST_STREAM || type === HEADERS));
    assert.equal(answer?.type, RST_STREAM);
    client.write(headers(3, connectFields()));
    assert.ok(await client.find(({ type, stream }) => type === HEADERS && stream === 3));
    assert.equal(served.server.counts().accepted, 1);
    client.socket.destroy();
  });

  test('a header that never ends (CVE-2024-27983)', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    client.write(headers(1, connectFields(), 0));
    const block = headerBlock([['x-flood', 'y'.repeat(16_000)]]);
    for (let i = 0; i < 100; i++) client.write(frame(CONTINUATION, 0, 1, block));
    await client.closed;
    assert.equal(served.server.counts().accepted, 0);
    await assertServing(served);
  });

  test('a reset in the middle of a header (CVE-2024-27983)', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    client.write(headers(1, connectFields(), 0), frame(CONTINUATION, 0, 1, headerBlock([['a', 'b']])));
    client.socket.resetAndDestroy();
    await client.closed;
    await assertServing(served);
  });

  test('more fields, or larger ones, than a request may have: its stream alone ends', async (t) => {
    const served = await serve(t);
    const client = await FrameClient.connect(t, served.target as number);
    const many = Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'y'] as const);
    client.write(headers(1, [...connectFields(), ...many]));
    assert.ok((await client.resetOf(1)) !== undefined);
    const large = headerBlock([['x-large', 'y'.repeat(12_000)]]);
    client.write(
      headers(3, [...connectFields(), ['x-first', 'y'.repeat(12_000)]], 0),
      frame(CONTINUATION, 0x4, 3, large),
    );
    const answer = await client.find(({ type, stream }) => stream === 3 && (type === RST_STREAM || type === HEADERS));
    assert.ok(answer !== undefined);
    assert.equal(served.server.counts().accepted, 0);
  });

  test('frames that are none (Node CVE-2025-59465), and a preface that goes wrong', async (t) => {
    const served = await serve(t);
    for (const bytes of [
      // HEADERS whose block is no HPACK.
      frame(HEADERS, 0x4, 1, Buffer.from('ffffffffffffffffffffff', 'hex')),
      frame(SETTINGS, 0, 0, Buffer.alloc(5)),
      frame(SETTINGS, 0, 1),
      frame(PING, 0, 0, Buffer.alloc(7)),
      frame(RST_STREAM, 0, 9, uint32(CANCEL)),
      frame(CONTINUATION, 0x4, 1, headerBlock([['a', 'b']])),
      frame(WINDOW_UPDATE, 0, 0, uint32(0)),
      frame(GOAWAY, 0, 0, Buffer.alloc(8, 0xff)),
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.alloc(100, 0xff),
    ]) {
      const client = await FrameClient.connect(t, served.target as number);
      client.write(bytes);
      await client.find(({ type }) => type === GOAWAY);
      client.socket.destroy();
    }
    const socket = net.connect({ port: served.target as number, host: '127.0.0.1' });
    socket.on('error', () => {}).resume();
    socket.write(`${PREFACE.toString('latin1', 0, 18)}XX`);
    socket.write('X'.repeat(100));
    await new Promise((resolve) => socket.on('close', resolve));
    await assertServing(served);
  });

  test('a reset of the connection at every frame', async (t) => {
    const served = await serve(t, { message: (c, data) => c.send(data) });
    const steps = [
      PREFACE,
      frame(SETTINGS, 0, 0),
      headers(1, connectFields()),
      frame(0, 0, 1, Buffer.from('8180000000', 'hex')),
    ];
    for (let count = 1; count <= steps.length; count++) {
      const socket = net.connect({ port: served.target as number, host: '127.0.0.1' });
      socket.on('error', () => {});
      await new Promise((resolve) => socket.write(Buffer.concat(steps.slice(0, count)), resolve));
      socket.resetAndDestroy();
    }
    await assertServing(served);
  });
});

describe('what a session of HTTP/2 must not hold for ever', () => {
  /** A server of two pages: one that says nothing, and one that says much. */
  async function pages(t: TestContext, limits: Http2Options): Promise<FrameClient> {
    const handle: RequestListener = ({ url }, response) => {
      if (url === '/large') response.end(Buffer.alloc(100));
      else if (url === '/stream') response.write('x');
    };
    const server = createServer(handle);
    const side = withHttp2(server, limits);
    side.server.on('request', handle as never);
    t.after(() => side.destroy());
    return FrameClient.connect(t, await listen(t, server));
  }

  const get = (stream: number, path: string): Buffer => {
    const fields = { ':method': 'GET', ':scheme': 'http', ':path': path, ':authority': 'server.example' };
    return headers(stream, Object.entries(fields), END_HEADERS | END_STREAM);
  };

  test('itself: a stream that was quiet for long does not keep it after its end', async (t) => {
    const idleTimeout = 250;
    const client = await pages(t, { idleTimeout });
    client.write(get(1, '/stream'));
    await client.find(({ type, stream }) => type === DATA && stream === 1);
    // Time passes: more than it may have without a stream.
    await new Promise((resolve) => setTimeout(resolve, 2 * idleTimeout));
    client.write(frame(RST_STREAM, 0, 1, uint32(CANCEL)));
    await client.closed;
  });

  test('answers that nobody takes: a window that stays shut', async (t) => {
    const client = await pages(t, { answerTimeout: 40 });
    client.write(frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])), get(1, '/large'), get(3, '/stream'));
    assert.equal(await client.resetOf(1), CANCEL);
    assert.equal(await client.resetOf(3), CANCEL);
  });

  test('a CONNECT for somewhere else, which was refused, and that the client never ends', async (t) => {
    const client = await pages(t, { requestTimeout: 40 });
    client.write(
      headers(1, [
        [':method', 'CONNECT'],
        [':authority', 'other.example:25'],
      ]),
    );
    assert.equal(await client.resetOf(1), CANCEL);
  });
});

describe('idleTimeout of withHttp2', () => {
  const get = (stream: number) =>
    headers(stream, connectFields({ ':method': 'GET', ':protocol': undefined }), END_HEADERS | END_STREAM);

  /** A server whose answers never end, and that ends sessions after 50 ms. */
  async function serveIdle(t: TestContext): Promise<{ port: number; streams: ServerHttp2Stream[] }> {
    const host = createServer();
    const side = withHttp2(host, { idleTimeout: 50 });
    const streams: ServerHttp2Stream[] = [];
    side.server.on('stream', (stream) => {
      streams.push(stream);
      stream.respond();
    });
    const port = await listen(t, host);
    t.after(() => side.destroy());
    return { port, streams };
  }

  test('a session that broke the protocol, whose connection Node would leave open, with its streams', async (t) => {
    const { port, streams } = await serveIdle(t);
    const client = await FrameClient.connect(t, port);
    client.write(get(1));
    await client.find(({ type }) => type === HEADERS);
    // A frame of a wrong size: GOAWAY, and nothing is read any more.
    client.write(frame(SETTINGS, 0, 0, Buffer.alloc(5)));
    assert.equal(await client.ending(), FRAME_SIZE_ERROR);
    assert.ok(streams[0]!.destroyed);
  });

  test('a session without a stream', async (t) => {
    const { port } = await serveIdle(t);
    const client = await FrameClient.connect(t, port);
    assert.equal(await client.ending(), 0);
  });

  test('one whose streams are silent goes on as long as its peer answers PING', async (t) => {
    const { port, streams } = await serveIdle(t);
    const client = await FrameClient.connect(t, port);
    client.write(get(1));
    for (let count = 1; count <= 3; count++) {
      await client.find(() => client.frames.filter(({ type }) => type === PING).length === count);
      assert.ok(!streams[0]!.destroyed);
      const { payload } = client.frames.findLast(({ type }) => type === PING)!;
      client.write(frame(PING, ACK, 0, payload));
    }
    await client.closed;
    assert.ok(streams[0]!.destroyed);
  });
});
