import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { connectAcceptLines, isWebSocketProtocol, readExtendedConnect, Refusal } from '#dist/handshake/index.js';
import { resetStream } from '#dist/node/http2-stream.js';
import { TLS } from '../support/certificate.ts';
import {
  connectFields,
  DATA,
  END_HEADERS,
  FrameClient,
  frame,
  GOAWAY,
  HEADERS,
  headers,
  SETTINGS,
} from '@pulsebeacon/contracts/http2-frames';
import { RawClient } from '../support/raw-client.ts';
import { Log, logged, serve } from '../support/servers.ts';

const { NGHTTP2_CANCEL } = constants;

test('§5: :protocol is "websocket", compared without regard to case', async (t) => {
  for (const name of ['websocket', 'WebSocket', 'WEBSOCKET']) assert.ok(isWebSocketProtocol(name));
  for (const name of ['', 'websockets', 'web socket', 'webſocket']) assert.ok(!isWebSocketProtocol(name));
  const { server, http2 } = await serve(t);
  const client = await http2();
  await client.open({ ':protocol': 'WebSocket' });
  assert.equal(server.counts().byHttpVersion['2'].open, 1);
});

test('RFC 9220 §3: a :protocol that the server does not know is answered with 501, and says so', async (t) => {
  const { http2 } = await serve(t);
  const client = await http2();
  const { status, problem } = await client.refused({ ':protocol': 'connect-udp' });
  assert.equal(status, 501);
  assert.equal(problem['code'], 'PB_HANDSHAKE_PROTOCOL_UNKNOWN');
});

test('§5: the scheme is https for wss, http for ws', async (t) => {
  for (const scheme of ['http', 'https']) {
    assert.ok(readExtendedConnect(connectFields({ ':scheme': scheme }).flat()).ok, scheme);
  }
  const log = new Log();
  const options = { open: (c: { secure: boolean; httpVersion: string }) => log.add(`${c.httpVersion} ${c.secure}`) };
  const plain = await serve(t, options);
  await (await plain.http2()).open();
  const secure = await serve(t, options, { port: 0, host: '127.0.0.1', tls: TLS });
  await (await secure.http2()).open();
  assert.deepEqual(log.lines, ['2 false', '2 true']);
});

test('§5: Sec-WebSocket-Key and Sec-WebSocket-Accept are not processed', async (t) => {
  const { http2 } = await serve(t);
  const client = await http2();
  for (const key of [undefined, 'not a key']) {
    const { answer } = await client.open({ 'sec-websocket-key': key });
    assert.equal(answer['sec-websocket-accept'], undefined);
  }
});

test('§5: Sec-WebSocket-Version is processed as in RFC 6455; 426 would need an Upgrade, so it is 400', async (t) => {
  const { http2 } = await serve(t);
  const client = await http2();
  for (const [version, code] of [
    [undefined, 'PB_HANDSHAKE_VERSION_MISSING'],
    ['12', 'PB_HANDSHAKE_VERSION_UNSUPPORTED'],
    ['x', 'PB_HANDSHAKE_VERSION_INVALID'],
  ]) {
    const { status, headers, problem } = await client.refused({ 'sec-websocket-version': version });
    assert.equal(status, 400);
    assert.equal(headers['sec-websocket-version'], '13');
    assert.equal(headers['upgrade'], undefined);
    assert.equal(problem['code'], code);
  }
});

test('§5: Origin, Sec-WebSocket-Protocol and Sec-WebSocket-Extensions are processed as in RFC 6455', async (t) => {
  const { http2, target } = await serve(t, { subprotocols: ['chat'], compression: true });
  const client = await http2();
  const { status, problem } = await client.refused({ origin: 'https://evil.example' });
  assert.equal(`${status} ${problem['code']}`, '403 PB_HANDSHAKE_ORIGIN_FORBIDDEN');
  const offers = { 'sec-websocket-protocol': 'super, chat', 'sec-websocket-extensions': 'x, permessage-deflate' };
  const { answer } = await client.open({ origin: `http://127.0.0.1:${target}`, ...offers });
  assert.equal(answer['sec-websocket-protocol'], 'chat');
  assert.match(String(answer['sec-websocket-extensions']), /^permessage-deflate/);
  for (const [name, code] of [
    ['sec-websocket-protocol', 'PB_HANDSHAKE_SUBPROTOCOLS_INVALID'],
    ['sec-websocket-extensions', 'PB_HANDSHAKE_EXTENSIONS_INVALID'],
  ]) {
    assert.equal((await client.refused({ [name!]: '"' })).problem['code'], code);
  }
  const twice = readExtendedConnect([...connectFields({ origin: 'a' }).flat(), 'origin', 'b']);
  assert.ok(!twice.ok && twice.code === 'PB_HANDSHAKE_ORIGIN_REPEATED');
});

test('§5: the acceptance is a 2xx that says what was agreed on, without fields of the connection', async (t) => {
  const handshake = { subprotocols: ['chat'], extensions: [] };
  const lines = connectAcceptLines(handshake, { subprotocol: 'chat', headers: { 'Keep-Alive': 'x', 'X-Own': 'y' } });
  assert.deepEqual(lines, [
    ['Sec-WebSocket-Protocol', 'chat'],
    ['X-Own', 'y'],
  ]);
  assert.deepEqual(connectAcceptLines(handshake), []);
  assert.throws(() => connectAcceptLines(handshake, { subprotocol: 'other' }), { code: 'PB_SUBPROTOCOL_NOT_OFFERED' });
  const { http2 } = await serve(t, {
    authorize: () => ({
      headers: [
        ['Set-Cookie', 'a=1'] as const,
        ['Set-Cookie', 'b=2'] as const,
        ['X-A', '1'] as const,
        ['X-A', '2'] as const,
      ],
    }),
  });
  const { answer } = await (await http2()).open();
  assert.equal(answer[':status'], 200);
  assert.deepEqual(answer['set-cookie'], ['a=1', 'b=2']);
  assert.equal(answer['x-a'], '1, 2');
});

test('§5: a refusal is any other answer of HTTP, and the session goes on', async (t) => {
  const { server, http2 } = await serve(t, {
    authorize: async () =>
      new Refusal(401, { code: 'OWN', detail: 'log in', headers: { 'WWW-Authenticate': 'Bearer' } }) as never,
    path: '/private',
  });
  const client = await http2();
  const { status, headers, problem } = await client.refused({ ':path': '/private' });
  assert.equal(`${status} ${headers['www-authenticate']} ${problem['code']}`, '401 Bearer OWN');
  assert.equal((await client.refused({ ':path': '/nowhere' })).status, 404);
  assert.deepEqual(server.counts().byHttpVersion['2'], { open: 0, accepted: 0, refused: 1 });
});

describe('§5: the stream is to the WebSocket what the TCP connection is to it in RFC 6455', () => {
  test('frames go both ways, beside requests and other WebSockets of the session', async (t) => {
    const { http2 } = await serve(t, { message: (c, data) => c.send(data) });
    const client = await http2();
    const [first, second] = [await client.open(), await client.open()];
    first.sendText('one');
    second.sendText('two');
    assert.equal(await second.next(), 'text "two"');
    assert.equal(await first.next(), 'text "one"');
    assert.equal((await client.ask({ ':path': '/' })).status, 405);
    first.sendClose(1000, 'done');
    assert.deepEqual(await first.rest(), ['close 1000 ""']);
    second.sendText('still there');
    assert.equal(await second.next(), 'text "still there"');
  });

  test('END_STREAM is the orderly end of TCP', async (t) => {
    const log = new Log();
    const { http2 } = await serve(t, logged(log));
    const client = await (await http2()).open();
    client.end();
    assert.equal(await client.next(), 'end');
    assert.equal(await log.has('close'), 'close 1006 ""');
    assert.deepEqual(log.lines, ['open', 'close 1006 ""']);
  });

  test('RFC 9113 §8.1: after the closing handshake the server asks for no more, and waits for no END_STREAM', async (t) => {
    const log = new Log();
    const { http2, server } = await serve(t, logged(log));
    const client = await http2();
    const stream = client.connect();
    const socket = RawClient.over(stream);
    await once(stream, 'response');
    socket.sendClose(1000, 'done');
    assert.deepEqual(await socket.rest(), ['close 1000 ""']);
    // As browsers do, it says nothing more.
    assert.equal(await log.has('close'), 'close 1000 "done" clean');
    assert.equal(server.counts().open, 0);
    await once(stream, 'close');
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
  });

  test('RST_STREAM with CANCEL is a reset of TCP, both ways', async (t) => {
    const log = new Log();
    const { http2, server } = await serve(t, logged(log));
    const client = await http2();
    const stream = client.connect();
    await once(stream, 'response');
    resetStream(stream);
    await log.has('close');
    assert.deepEqual(log.lines, ['open', 'error PB_STREAM_FAILED', 'close 1006 ""']);
    const other = client.connect();
    await once(other, 'response');
    for (const connection of server.connections) connection.terminate();
    await once(other, 'close');
    assert.equal(other.rstCode, NGHTTP2_CANCEL);
  });

  test('the end of the session is the end of all its WebSockets', async (t) => {
    const log = new Log();
    const { http2 } = await serve(t, logged(log));
    const client = await http2();
    await client.open();
    await client.open();
    client.session.destroy();
    await log.has('close 1006', 2);
  });

  for (const [what, bytes] of Object.entries({
    'a frame on a stream that was never opened': frame(DATA, 0, 99, Buffer.from('x')),
    'a frame of a wrong size': frame(SETTINGS, 0, 0, Buffer.alloc(5)),
    'a header that is no HPACK': frame(HEADERS, END_HEADERS, 5, Buffer.alloc(8, 0xff)),
  })) {
    test(`an error of the session is the end of all its WebSockets, as their pings find out: ${what}`, async (t) => {
      // Node tells the client so, by GOAWAY, and nobody else, and leaves everything as it is.
      const log = new Log();
      const { target } = await serve(t, { ...logged(log), pingInterval: 50, pongTimeout: 50 });
      const client = await FrameClient.connect(t, target as number);
      client.write(headers(1, connectFields()), headers(3, connectFields()), bytes);
      await log.has('close 1006', 2);
      assert.ok(await client.find(({ type }) => type === GOAWAY));
      client.socket.destroy();
    });
  }

  test('after GOAWAY of the client its WebSockets go on', async (t) => {
    const { http2 } = await serve(t, { message: (c, data) => c.send(data) });
    const client = await http2();
    const socket = await client.open();
    client.session.goaway();
    socket.sendText('on');
    assert.equal(await socket.next(), 'text "on"');
  });

  test('what is not read holds up its own stream, and no other', async (t) => {
    let messages: AsyncIterableIterator<unknown> | undefined;
    const { http2, server } = await serve(t, {
      open: (c) => {
        // The first is read message by message, as somebody asks.
        messages ??= c.messages() as unknown as AsyncIterableIterator<unknown>;
      },
      message: (c, data) => c.send(data),
    });
    const client = await http2();
    const stopped = await client.open();
    const [connection] = server.connections;
    for (let i = 0; i < 64; i++) stopped.send({ opcode: 2, payload: new Uint8Array(16_384) });
    const free = await client.open();
    free.sendText('x');
    assert.equal(await free.next(), 'text "x"');
    assert.ok(stopped.socket.writableLength > 700_000, `${stopped.socket.writableLength} bytes are held up`);
    connection!.terminate();
    await stopped.closed;
  });

  test('what the peer does not read is held up by its window', async (t) => {
    const { server, http2 } = await serve(t);
    const client = await http2();
    const slow = await client.open();
    slow.pause();
    const [connection] = server.connections;
    let result = connection!.send(new Uint8Array(200_000));
    result = connection!.send(new Uint8Array(200_000));
    assert.equal(result, 'queued');
    slow.resume();
    await connection!.drained();
  });
});

test('a server that closes says 1001, waits, and ends the session with GOAWAY', async (t) => {
  const { server, http2 } = await serve(t);
  const client = await http2();
  const socket = await client.open();
  const goaway = once(client.session, 'goaway');
  const closing = server.close();
  assert.equal(await socket.next(), 'close 1001 ""');
  const { status, problem } = await client.refused();
  assert.equal(`${status} ${problem['code']}`, '503 PB_HANDSHAKE_DRAINING');
  socket.sendClose(1001);
  socket.end();
  await closing;
  const [code] = (await goaway) as [number];
  assert.equal(code, constants.NGHTTP2_NO_ERROR);
});
