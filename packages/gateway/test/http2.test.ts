// The program over HTTP/2: pages, channels, limits, and what only HTTP/2 has.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
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
} from '@pulsebeacon/contracts/http2-frames';
import { Program } from './support/program.ts';

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  await once(stream, 'end');
  return { headers: answer, text };
}

/** Which protocol the server chooses of those that a client offers. */
async function chosenOf(port: number, offers: string[]): Promise<string | false | null> {
  const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', ALPNProtocols: offers, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.destroy();
  return socket.alpnProtocol;
}

it('whoever came to a public name is not on this machine: a proxy may have passed it on', async (t) => {
  const program = await Program.start(['--public-url', 'https://chat.example.com']);
  t.after(() => program.stop());
  const session = connect(program.base);
  t.after(() => session.destroy());
  const at = async (headers: OutgoingHttpHeaders, body?: string): Promise<unknown> =>
    (await ask(session, { ':authority': 'chat.example.com', ...headers }, body)).headers[':status'];
  assert.equal(await at({ ':path': '/dashboard/now' }), 401);
  assert.equal(await at({ ':path': '/metrics' }), 401);
  const type = { 'content-type': 'application/json' };
  assert.equal(await at({ ':path': '/channels/news', ':method': 'POST', ...type }, '{}'), 401);
  assert.equal((await ask(session, { ':path': '/dashboard/now' })).headers[':status'], 200);
});

describe('serve --tls-dev, over HTTP/2', () => {
  let program: Program;
  let session: ClientHttp2Session;
  before(async () => {
    program = await Program.start(['--tls-dev']);
    session = connect(`https://localhost:${program.port}`, { rejectUnauthorized: false });
    await once(session, 'remoteSettings');
  });
  after(async () => {
    session?.destroy();
    await program?.stop();
  });

  it('chooses HTTP/2 of clients that know it, and announces WebSockets', async () => {
    assert.equal(await chosenOf(program.port, ['h2', 'http/1.1']), 'h2');
    assert.equal(await chosenOf(program.port, ['http/1.1']), 'http/1.1');
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    assert.equal(session.remoteSettings.maxConcurrentStreams, 100);
  });

  it('serves the page, and refuses other hosts', async () => {
    const { headers } = await ask(session, { ':path': '/' });
    assert.equal(headers[':status'], 200);
    assert.match(String(headers['content-security-policy']), /wss:\/\/localhost/);
    const foreign = await ask(session, { ':path': '/', ':authority': 'evil.example' });
    assert.equal(foreign.headers[':status'], 421);
    const two = await ask(session, {
      ':path': '/',
      ':authority': `localhost:${program.port}`,
      host: 'evil.example',
    });
    assert.equal(two.headers[':status'], 400);
  });

  it('publishes, and each transport writes a publication through at once', async () => {
    for (const accept of ['text/event-stream', 'application/x-ndjson']) {
      const stream = session.request({ ':path': '/channels/news', accept });
      let text = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        stream.emit('more');
      });
      const has = async (word: string): Promise<void> => {
        while (!text.includes(word)) await once(stream, 'more');
      };
      await has('subscribed');
      const posted = await ask(session, { ':method': 'POST', ':path': '/channels/news' }, `by ${accept}`);
      assert.equal(posted.headers[':status'], 201);
      await has(`by ${accept}`);
      stream.close();
      await once(stream, 'close');
    }
    const polled = await ask(session, { ':path': '/channels/news?since=all&wait=5' });
    assert.match(polled.text, /by application\/x-ndjson/);
    for (const path of ['/channels/news', '/channels/news?last', '/channels/news?as=html']) {
      const { headers } = await ask(session, { ':path': path });
      assert.equal(headers[':status'], 200, path);
    }
  });

  it('refuses a body that is too large without reading it, and the session goes on', async () => {
    const { headers } = await ask(session, { ':method': 'POST', ':path': '/channels/news' }, 'x'.repeat(200_000));
    assert.equal(headers[':status'], 413);
    assert.equal((await ask(session, { ':path': '/healthz' })).headers[':status'], 200);
  });

  it('counts WebSockets by version of HTTP, in /live and in /metrics', async () => {
    const socket = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/echo?trace=0123456789abcdefghij',
      'sec-websocket-version': '13',
    });
    await once(socket, 'response');
    const { text } = await ask(session, { ':path': '/live' });
    assert.equal(JSON.parse(text).total.byHttpVersion['2'], 1);
    const metrics = await ask(session, { ':path': '/metrics' });
    assert.match(metrics.text, /connections\{transport="websocket",path="\/echo",http_version="2"\} 1/);
    const trace = JSON.parse((await ask(session, { ':path': '/trace/0123456789abcdefghij' })).text);
    assert.ok(trace.request.includes(':protocol: websocket'));
    assert.ok(trace.response.includes(':status: 200'));
    socket.destroy();
  });

  it('ends with 1001 for WebSockets and GOAWAY for the session', async () => {
    const socket = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/echo',
      'sec-websocket-version': '13',
    });
    await once(socket, 'response');
    const goaway = once(session, 'goaway');
    const ended = program.stop();
    const [frame] = (await once(socket, 'data')) as [Buffer];
    assert.equal(frame.readUInt16BE(2), 1001);
    socket.end(Buffer.from('888200000000', 'hex').subarray(0, 6));
    await goaway;
    await ended;
  });
});

describe('serve, with HTTP/2 by frames that are written by hand', () => {
  it('answers POST /echo with whole bodies alone, and survives those that are cut off', async (t) => {
    const program = await Program.start();
    t.after(() => program.stop());
    const post = headers(1, [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':authority', `localhost:${program.port}`],
      [':path', '/echo'],
    ]);
    for (const cut of [
      frame(RST_STREAM, 0, 1, uint32(CANCEL)),
      frame(RST_STREAM, 0, 1, uint32(0)),
      frame(SETTINGS, 0, 1),
      frame(GOAWAY, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 2])),
    ]) {
      const client = await FrameClient.connect(t, program.port);
      client.write(post, frame(DATA, 0, 1, Buffer.from('half')), cut, frame(PING, 0, 0, Buffer.alloc(8)));
      await client.find(({ type, flags }) => (type === PING && (flags & ACK) !== 0) || type === GOAWAY);
      assert.ok(!client.frames.some(({ type }) => type === HEADERS));
      client.socket.destroy();
    }
    const client = await FrameClient.connect(t, program.port);
    client.write(post, frame(DATA, END_STREAM, 1, Buffer.from('whole')));
    const body = await client.find(({ type }) => type === DATA);
    assert.equal(body?.payload.toString(), 'whole');
  });
});

describe('serve --no-http2', () => {
  it('speaks HTTP/1.1 alone', async (t) => {
    const program = await Program.start(['--tls-dev', '--no-http2']);
    t.after(() => program.stop());
    assert.equal(await chosenOf(program.port, ['h2', 'http/1.1']), 'http/1.1');
  });
});
