import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { test, type TestContext } from 'node:test';
import { type HostServer, UsageError, WebSocketServer, withHttp2 } from '@pulsebeacon/websocket';
import { fastify } from 'fastify';
import { TLS } from '../support/certificate.ts';
import { Http2Client } from '../support/http2-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { listen, Log, logged, serveOn } from '../support/servers.ts';

const ECHO = {
  path: '/echo',
  message: (c: { send(data: string): unknown }, data: unknown) => void c.send(String(data)),
};

async function open(t: TestContext, host: HostServer): Promise<Http2Client> {
  const client = await Http2Client.connect(await listen(t, host));
  t.after(() => client.destroy());
  return client;
}

test('WebSockets and the requests of an application share a session, and the application sees its own alone', async (t) => {
  const seen: unknown[] = [];
  const host = http2.createServer((request, response) => response.end(`page ${request.url}`));
  host.on('stream', (_, headers) => seen.push(`${headers[':method']} ${headers[':path']}`));
  new WebSocketServer(ECHO as never).attach(host);
  const client = await open(t, host);
  const socket = await client.open({ ':path': '/echo' });
  socket.sendText('hello');
  assert.equal(await socket.next(), 'text "hello"');
  assert.equal((await client.ask({ ':path': '/' })).body, 'page /');
  assert.equal((await client.refused({ ':path': '/other' })).status, 404);
  assert.equal((await client.refused({ ':path': '/echo', ':protocol': 'other' })).status, 501);
  assert.deepEqual(seen, ['GET /']);
});

test('a CONNECT that is not ours goes to an application that listens for it', async (t) => {
  const host = http2.createServer(() => {});
  host.on('connect' as 'request', (_, response) => {
    response.writeHead(200);
    response.end('theirs');
  });
  new WebSocketServer(ECHO as never).attach(host);
  const client = await open(t, host);
  assert.equal((await client.refused({ ':path': '/echo', ':protocol': 'connect-udp' })).body, 'theirs');
  assert.equal((await client.refused({ ':path': '/other' })).body, 'theirs');
  await client.open({ ':path': '/echo' });
});

/** An application of both versions, and its page, which says what it came by. */
const HOSTS: Readonly<Record<string, () => Promise<HostServer>>> = {
  'http2.createSecureServer({ allowHTTP1: true })': async () =>
    http2.createSecureServer({ ...TLS, allowHTTP1: true }, (request, response) => {
      response.end(`page by ${request.httpVersion}`);
    }),
  'Fastify with http2 and allowHTTP1': async () => {
    const app = fastify({ http2: true, https: { ...TLS, allowHTTP1: true } });
    app.get('/page', (request) => `page by ${request.raw.httpVersion}`);
    await app.ready();
    return app.server;
  },
};

for (const [name, make] of Object.entries(HOSTS)) {
  test(`${name}: WebSockets of both versions reach the same handlers, beside the requests of the application`, async (t) => {
    const log = new Log();
    const host = await make();
    const echo = logged(log);
    const { server, target, open, http2 } = await serveOn(
      t,
      host,
      {
        ...echo,
        path: '/echo/{name}',
        open: (c, { httpVersion }) => log.add(`open ${c.parameters['name']} by ${httpVersion}`),
        message: (c, data) => void c.send(`${c.parameters['name']} said ${String(data)}`),
      },
      true,
    );
    const session = await http2();
    const page = { ':path': '/page', ':scheme': 'https', ':authority': `127.0.0.1:${target}` };
    assert.equal((await session.ask(page)).body, 'page by 2.0');
    const [older, newer] = [await open({ path: '/echo/older' }), await session.open({ ':path': '/echo/newer' })];
    assert.deepEqual(log.lines, ['open older by 1.1', 'open newer by 2']);
    const { byHttpVersion } = server.counts();
    assert.deepEqual([byHttpVersion['1.1'].open, byHttpVersion['2'].open], [1, 1]);
    for (const [client, who] of [
      [older, 'older'],
      [newer, 'newer'],
    ] as const) {
      client.sendText('hello');
      assert.equal(await client.next(), `text "${who} said hello"`);
    }
    // Of the same session, and of the same port.
    assert.equal((await session.ask(page)).body, 'page by 2.0');
    const plain = await RawClient.connect(target, true);
    t.after(() => plain.destroy());
    plain.write('GET /page HTTP/1.1\r\nHost: server.example\r\n\r\n');
    assert.equal((await plain.readResponse()).body, 'page by 1.1');
    // A refusal of either is an answer, and the session goes on.
    assert.equal((await session.refused({ ':path': '/echo/x', 'sec-websocket-version': '12' })).status, 400);
    older.sendClose(1000);
    newer.sendClose(1000);
    assert.deepEqual([await older.next(), await newer.next()], ['close 1000 ""', 'close 1000 ""']);
    newer.end();
    await log.has('close 1000', 2);
    assert.equal((await session.ask(page)).body, 'page by 2.0');
  });
}

test('a handshake that the application is still deciding on may be reset', async (t) => {
  let decide: (() => void) | undefined;
  const host = http2.createServer();
  const asked = new Promise<void>((resolve) => {
    new WebSocketServer({
      authorize: () => {
        resolve();
        return new Promise<undefined>((done) => (decide = () => done(undefined)));
      },
    }).attach(host);
  });
  const client = await open(t, host);
  const stream = client.connect();
  await asked;
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await once(stream, 'close');
  decide!();
  assert.equal((await client.refused({ ':protocol': 'other' })).status, 501);
});

test('options of withHttp2 that cannot be', () => {
  for (const options of [
    { maxStream: 5 },
    { maxStreams: 0 },
    { resetRate: NaN },
    { onFault: 'log' },
    { idleTimeout: -1 },
  ]) {
    assert.throws(
      () => withHttp2(http.createServer(), options as never),
      (error) => error instanceof UsageError && error.code === 'PB_OPTION_INVALID',
      JSON.stringify(options),
    );
  }
});
