import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { describe, test } from 'node:test';
import { connect, type ConnectOptions, HandshakeError, type WebSocketError } from '@pulsebeacon/websocket';
import { failed as failedWith } from '../support/connecting.ts';
import { DATA, END_HEADERS, frame, frameServer, HEADERS, SETTINGS } from '@pulsebeacon/contracts/http2-frames';
import { resetStream } from '#dist/node/http2-stream.js';
import { acceptStream, echoStream, http2Server, shortFrames, textFrame, TRUST } from '../support/http2-server.ts';

const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

const options = { httpVersion: '2', tls: TRUST } as const;

const failed = (url: string, more: ConnectOptions = {}): Promise<HandshakeError> =>
  failedWith(url, { ...options, ...more });

/** The end of a connection in words. */
function ending(more: ConnectOptions = {}): { readonly ended: Promise<string>; readonly handlers: ConnectOptions } {
  let end: (words: string) => void = () => {};
  let said = '';
  const ended = new Promise<string>((resolve) => (end = resolve));
  const handlers: ConnectOptions = {
    ...more,
    message: () => {},
    error: (_, error: WebSocketError) => void (said = `${error.code}: `),
    close: (_, code, reason, wasClean) => end(`${said}${code}${reason}${wasClean ? ' clean' : ''}`),
  };
  return { ended, handlers };
}

describe('RFC 8441 §5: using extended CONNECT to bootstrap the WebSocket protocol', () => {
  test('§5: ":scheme … MUST be https for wss" and http for ws', async (t) => {
    for (const [isClear, scheme] of [
      [false, 'https'],
      [true, 'http'],
    ] as const) {
      const server = await http2Server(t, echoStream, { isClear });
      const connection = await connect(server.url, options);
      connection.terminate();
      assert.equal(server.requests[0]!.field(':scheme'), scheme);
    }
  });

  test('§5: Connection, Upgrade, Host and Sec-WebSocket-Key are not sent', async (t) => {
    const server = await http2Server(t, echoStream);
    const connection = await connect(server.url, options);
    connection.terminate();
    for (const name of ['connection', 'upgrade', 'host', 'sec-websocket-key', 'sec-websocket-accept']) {
      assert.equal(server.requests[0]!.field(name), undefined, name);
    }
  });

  test('§5: "Origin, Sec-WebSocket-Version, -Protocol and -Extensions" are as in RFC 6455', async (t) => {
    const server = await http2Server(t, (request) =>
      echoStream(request, { 'sec-websocket-protocol': 'chat', 'sec-websocket-extensions': AGREED }),
    );
    const connection = await connect(server.url, {
      ...options,
      origin: 'https://app.example',
      subprotocols: ['chat', 'superchat'],
      compression: true,
      headers: { 'X-One': '1', Cookie: 'a=b' },
    });
    connection.terminate();
    const { field } = server.requests[0]!;
    assert.deepEqual(
      ['origin', 'sec-websocket-version', 'sec-websocket-protocol', 'x-one', 'cookie'].map((name) => field(name)),
      ['https://app.example', '13', 'chat, superchat', '1', 'a=b'],
    );
    assert.match(field('sec-websocket-extensions') ?? '', /^permessage-deflate/);
    assert.deepEqual([connection.protocol, connection.extensions], ['chat', AGREED]);
  });

  for (const [what, fields, code] of [
    ['a subprotocol', { 'sec-websocket-protocol': 'other' }, 'PB_ANSWER_SUBPROTOCOL_UNEXPECTED'],
    ['an extension', { 'sec-websocket-extensions': 'x-other' }, 'PB_ANSWER_EXTENSION_UNEXPECTED'],
  ] as const) {
    test(`§5: ${what} that was not asked for fails the connection, and resets its stream`, async (t) => {
      const reset: Promise<unknown>[] = [];
      const server = await http2Server(t, ({ stream }) => {
        reset.push(once(stream, 'close'));
        acceptStream(stream, fields);
      });
      const error = await failed(server.url);
      assert.equal(error.code, code);
      await reset[0];
      assert.equal(server.requests[0]!.stream.rstCode, http2.constants.NGHTTP2_CANCEL);
    });
  }

  test('§5: the stream is used "as if it were the TCP connection": messages and the closing handshake', async (t) => {
    const server = await http2Server(t, echoStream);
    const closed: unknown[] = [];
    const connection = await connect(server.url, { ...options, close: (_, ...how) => void closed.push(how) });
    connection.send('hello');
    for await (const message of connection.messages()) {
      assert.equal(message, 'hello');
      connection.close(1000, 'enough');
    }
    if (closed.length === 0) await once(server.requests[0]!.stream, 'close');
    assert.deepEqual(closed, [[1000, 'enough', true]]);
    // §5: "orderly TCP-level closures are represented as END_STREAM flags".
    assert.equal(server.requests[0]!.stream.rstCode, http2.constants.NGHTTP2_NO_ERROR);
  });

  test('§5.3 of RFC 6455: frames are masked over HTTP/2, too', async (t) => {
    const chunks: Buffer[] = [];
    const server = await http2Server(t, ({ stream }) => {
      acceptStream(stream);
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        stream.write(textFrame('got it'));
      });
    });
    const connection = await connect(server.url, options);
    t.after(() => connection.terminate());
    connection.send('hello');
    await connection.messages().next();
    assert.equal(chunks[0]![1]! & 0x80, 0x80);
    assert.equal(Buffer.from(shortFrames(chunks[0]!)[0]!.payload).toString(), 'hello');
  });

  test('§5: END_STREAM without a close frame is a TCP connection that ended: 1006', async (t) => {
    const server = await http2Server(t, ({ stream }) => {
      acceptStream(stream);
      stream.end();
    });
    const { ended, handlers } = ending();
    await connect(server.url, { ...options, ...handlers });
    assert.equal(await ended, '1006');
  });

  test('§5: RST_STREAM with CANCEL is a TCP connection that was reset: 1006, and the error says so', async (t) => {
    const server = await http2Server(t, ({ stream }) => {
      acceptStream(stream);
      stream.once('data', () => resetStream(stream));
    });
    const { ended, handlers } = ending();
    const connection = await connect(server.url, { ...options, ...handlers });
    connection.send('hello');
    assert.equal(await ended, 'PB_STREAM_FAILED: 1006');
  });

  test('§5: "RST exceptions are represented with … CANCEL": terminate() sends that', async (t) => {
    const server = await http2Server(t, echoStream);
    const connection = await connect(server.url, options);
    const { stream } = server.requests[0]!;
    connection.terminate();
    await once(stream, 'close');
    assert.equal(stream.rstCode, http2.constants.NGHTTP2_CANCEL);
  });

  test('a session that dies ends each of its connections with 1006', async (t) => {
    const server = await http2Server(t, echoStream);
    const all = [ending(), ending(), ending()];
    for (const { handlers } of all) await connect(server.url, { ...options, ...handlers });
    assert.equal(server.sessions.length, 1);
    server.sockets[0]!.destroy();
    for (const { ended } of all) assert.equal(await ended, 'PB_STREAM_FAILED: 1006');
  });

  for (const [what, bytes] of Object.entries({
    'a frame on a stream that was never opened': frame(DATA, 0, 99, Buffer.from('x')),
    'a frame of a wrong size': frame(SETTINGS, 0, 0, Buffer.alloc(5)),
    'what is no frame at all': Buffer.alloc(100, 0xff),
  })) {
    test(`a server that breaks the protocol: 1006, as the session or pings find out: ${what}`, async (t) => {
      // Before 26 Node tells the server so, by GOAWAY, and nobody else, and leaves everything as it is. That server answers
      // every ping.
      let pings = 0;
      let isKept: () => void = () => {};
      const kept = new Promise<void>((resolve) => (isKept = resolve));
      const port = await frameServer(
        t,
        // ENABLE_CONNECT_PROTOCOL; then the answer to a request: `:status` 200 is one byte (RFC 7541 §A).
        (socket) => void socket.write(frame(SETTINGS, 0, 0, Buffer.from([0, 8, 0, 0, 0, 1]))),
        ({ type, payload }, socket) => {
          if (type === HEADERS) socket.write(frame(HEADERS, END_HEADERS, 1, Buffer.from([0x88])));
          if (type !== DATA) return;
          const isPing = payload[0] === 0x89;
          socket.write(isPing ? frame(DATA, 0, 1, Buffer.from([0x8a, 0])) : bytes);
          if (isPing && ++pings === 3) isKept();
        },
      );
      const { ended, handlers } = ending();
      const connection = await connect(`ws://127.0.0.1:${port}`, {
        ...options,
        ...handlers,
        pingInterval: 50,
        pongTimeout: 500,
      });
      await kept;
      connection.send('break it');
      assert.match(await ended, /^PB_(?:PONG_TIMEOUT|STREAM_FAILED): 1006$/);
    });
  }

  test('GOAWAY with an error ends them as well, and the next connection is made on another session', async (t) => {
    const server = await http2Server(t, echoStream);
    const { ended, handlers } = ending();
    await connect(server.url, { ...options, ...handlers });
    server.sessions[0]!.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    assert.equal(await ended, 'PB_STREAM_FAILED: 1006');
    const next = await connect(server.url, options);
    next.terminate();
    assert.equal(server.requests[1]!.session, 1);
  });
});
