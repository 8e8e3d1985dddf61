import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { type RefusedEvent, WebSocketServer, withHttp2 } from '@pulsebeacon/websocket';
import { fromClient, utf8 } from '../support/frames.ts';
import { handshake, RawClient, type RawRequest } from '../support/raw-client.ts';
import { listen, Log, logged, serve } from '../support/servers.ts';

const REFUSED: [string, RawRequest, number, string, Record<string, string>][] = [
  ['an unknown path', { path: '/elsewhere' }, 404, 'PB_HANDSHAKE_NO_SUCH_PATH', {}],
  ['POST', { method: 'POST' }, 405, 'PB_HANDSHAKE_METHOD', { allow: 'GET' }],
  ['no Host', { headers: { Host: undefined } }, 400, 'PB_HANDSHAKE_HOST_MISSING', {}],
  ['two Hosts', { headers: { Host: ['a', 'b'] } }, 400, 'PB_HANDSHAKE_HOST_REPEATED', {}],
  [
    'version 99',
    { headers: { 'Sec-WebSocket-Version': '99' } },
    426,
    'PB_HANDSHAKE_VERSION_UNSUPPORTED',
    { 'sec-websocket-version': '13', upgrade: 'websocket', connection: 'close, Upgrade' },
  ],
  [
    'version 8',
    { headers: { 'Sec-WebSocket-Version': '8' } },
    426,
    'PB_HANDSHAKE_VERSION_UNSUPPORTED',
    { 'sec-websocket-version': '13' },
  ],
  [
    'no version',
    { headers: { 'Sec-WebSocket-Version': undefined } },
    400,
    'PB_HANDSHAKE_VERSION_MISSING',
    { 'sec-websocket-version': '13' },
  ],
  ['no key', { headers: { 'Sec-WebSocket-Key': undefined } }, 400, 'PB_HANDSHAKE_KEY_MISSING', {}],
  ['a bad key', { headers: { 'Sec-WebSocket-Key': 'short' } }, 400, 'PB_HANDSHAKE_KEY_INVALID', {}],
  [
    'two keys',
    { headers: { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] } },
    400,
    'PB_HANDSHAKE_KEY_REPEATED',
    {},
  ],
  ['a body', { headers: { 'Content-Length': '5' } }, 400, 'PB_HANDSHAKE_CONTENT', {}],
  ['bad subprotocols', { headers: { 'Sec-WebSocket-Protocol': 'a b' } }, 400, 'PB_HANDSHAKE_SUBPROTOCOLS_INVALID', {}],
  ['bad extensions', { headers: { 'Sec-WebSocket-Extensions': ';;' } }, 400, 'PB_HANDSHAKE_EXTENSIONS_INVALID', {}],
  ['101 fields', { headers: { 'X-Field': Array(101).fill('x') } }, 431, 'PB_HANDSHAKE_TOO_MANY_FIELDS', {}],
  [
    'fields of 15 KiB, and so too many bytes',
    { headers: { 'X-Field': Array(15).fill('x'.repeat(1020)) } },
    431,
    'PB_HANDSHAKE_FIELDS_TOO_LARGE',
    {},
  ],
  [
    'names of prototypes',
    {
      headers: {
        __proto__x: 'x',
        constructor: 'y',
        'Sec-WebSocket-Protocol': 'constructor, __proto__',
        Upgrade: 'websocket, __proto__',
        'Sec-WebSocket-Version': '12',
      },
    },
    426,
    'PB_HANDSHAKE_VERSION_UNSUPPORTED',
    {},
  ],
];

/** Who reads handshakes: `node:http`, or this package where they are nothing unusual. */
const READERS: [name: string, prepare: (host: http.Server) => unknown][] = [
  ['by node:http', () => {}],
  ['here', (host) => withHttp2(host, { readsHandshakes: true })],
];

for (const [reader, prepare] of READERS) {
  describe(`a malformed handshake, read ${reader}`, () => {
    for (const refused of REFUSED) {
      test(`${refused[0]}: ${refused[2]}, and nothing more on this connection`, (t) =>
        checkRefused(t, refused, prepare));
    }
  });
}

async function checkRefused(
  t: TestContext,
  [, request, status, code, headers]: (typeof REFUSED)[number],
  prepare: (host: http.Server) => unknown,
): Promise<void> {
  const log = new Log();
  const events: RefusedEvent[] = [];
  const pages: string[] = [];
  const host = http.createServer((page, response) => {
    pages.push(page.url!);
    response.end('a page');
  });
  prepare(host);
  const server = new WebSocketServer({
    path: '/',
    headerLimits: { maxFields: 100, maxBytes: 12_000 },
    ...logged(log),
    refused: (event) => events.push(event),
  }).attach(host);
  t.after(() => server.close());
  const client = await RawClient.connect(await listen(t, host));
  t.after(() => client.destroy());
  // What follows would be a second request, or frames: neither may ever be looked at.
  client.write(
    handshake(request),
    'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    fromClient({ opcode: 1, payload: utf8('x') }),
  );
  const answer = await client.readResponse();
  assert.equal(answer.status, status);
  for (const [field, value] of Object.entries({ 'content-type': 'application/problem+json', ...headers })) {
    assert.equal(answer.headers.get(field), value);
  }
  assert.match(answer.headers.get('connection')!, /^close\b/);
  assert.ok(Date.parse(answer.headers.get('date')!) > 0);
  const problem = JSON.parse(answer.body) as { status: number; code: string };
  assert.deepEqual([problem.status, problem.code], [status, code]);
  client.write('GET /later HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await client.readToEnd()).length, 0, 'something more was answered');
  client.end();
  assert.deepEqual(await client.closed, { wasEnded: true, error: undefined });
  assert.deepEqual([pages, log.lines], [[], []]);
  if (code === 'PB_HANDSHAKE_NO_SUCH_PATH') return;
  assert.deepEqual(
    events.map((event) => [event.status, event.code, event.path]),
    [[status, code, '/']],
  );
  assert.equal(events[0]!.remoteAddress, '127.0.0.1');
  assert.deepEqual([server.counts().refused, server.counts().refusedByCode], [1, { [code]: 1 }]);
}

describe('a handshake that is refused', () => {
  test('2,001 fields: 431, of ours or of Node itself, and the server goes on', async (t) => {
    const { connect, open } = await serve(t);
    const client = await connect();
    client.write(handshake({ headers: { x: Array(2001).fill('') } }), 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n');
    const { status } = await client.readResponse();
    assert.equal(status, 431);
    assert.equal((await client.readToEnd()).length, 0);
    await open();
  });

  test('HTTP/1.0 is answered with 400', async (t) => {
    const { connect } = await serve(t);
    const client = await connect();
    client.write(handshake({ httpVersion: '1.0' }));
    const { status, body } = await client.readResponse();
    assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [400, 'PB_HANDSHAKE_HTTP_VERSION']);
  });

  test('a target that is none is refused by a server for all paths', async (t) => {
    const paths: string[] = [];
    const { connect } = await serve(t, { refused: ({ path }) => void paths.push(path) });
    for (const path of ['*', 'http://[', 'nonsense']) {
      const client = await connect();
      client.write(handshake({ path }));
      assert.equal((await client.readResponse()).status, 400, path);
    }
    // What Node's parser does not let through is answered by Node.
    assert.ok(paths.length > 0 && paths.every((path) => path === ''));
  });

  test('a client that stays after its answer is cut after a while', async (t) => {
    const host = http.createServer();
    const server = new WebSocketServer({ path: '/' }).attach(host);
    t.after(() => server.close());
    const accepted = once(host, 'connection') as Promise<[Socket]>;
    const client = await RawClient.connect(await listen(t, host));
    t.after(() => client.destroy());
    const [socket] = await accepted;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    client.write(handshake({ headers: { 'Sec-WebSocket-Key': undefined } }));
    assert.equal((await client.readResponse()).status, 400);
    assert.equal((await client.readToEnd()).length, 0);
    t.mock.timers.tick(1999);
    assert.ok(!socket.destroyed);
    t.mock.timers.tick(1);
    assert.ok(socket.destroyed);
  });
});

describe('a server that listens by itself', () => {
  test('answers ordinary requests on its paths with 426 and 405, elsewhere with 404, and closes', async (t) => {
    const { connect } = await serve(t, { path: ['/chat', '/rooms/{id}'] });
    const cases: [string, string, number, string][] = [
      ['GET', '/chat', 426, 'PB_HANDSHAKE_UPGRADE_MISSING'],
      ['GET', '/rooms/1?x', 426, 'PB_HANDSHAKE_UPGRADE_MISSING'],
      ['POST', '/chat', 405, 'PB_HANDSHAKE_METHOD'],
      ['GET', '/', 404, 'PB_HANDSHAKE_NO_SUCH_PATH'],
      ['DELETE', '/rooms/', 404, 'PB_HANDSHAKE_NO_SUCH_PATH'],
    ];
    for (const [method, path, status, code] of cases) {
      const client = await connect();
      client.write(
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      const answer = await client.readResponse();
      assert.deepEqual([answer.status, (JSON.parse(answer.body) as { code: string }).code], [status, code]);
      assert.match(answer.headers.get('connection')!, /close/);
      assert.equal((await client.readToEnd()).length, 0);
    }
  });

  test('answers HEAD without a body', async (t) => {
    const { connect } = await serve(t, { path: '/chat' });
    const client = await connect();
    client.write('HEAD /chat HTTP/1.1\r\nHost: x\r\n\r\n');
    const answer = await client.readAnswer();
    assert.equal(answer.status, 426);
    assert.ok(Number(answer.headers.get('content-length')) > 0);
    assert.equal((await client.readToEnd()).length, 0);
  });
});

describe('whatever happens during the handshake', () => {
  const head = handshake({ headers: { 'Sec-WebSocket-Protocol': 'chat', Cookie: 'a=b' } });

  for (const way of ['reset', 'end', 'destroy'] as const) {
    test(`${way} at every byte: the server goes on, and counts right`, async (t) => {
      const { connect, server, open } = await serve(t, { authorize: async () => {} });
      for (let at = 0; at <= head.length; at += 25) {
        await Promise.all(
          Array.from({ length: 25 }, async (_, i) => {
            const cut = Math.min(at + i, head.length);
            const client = await connect();
            if (cut > 0) await new Promise((resolve) => client.socket.write(head.slice(0, cut), resolve));
            client[way]();
            if (way === 'end') {
              await client.readToEnd();
              client.destroy();
            }
            await client.closed;
          }),
        );
      }
      const client = await open();
      client.sendClose(1000);
      assert.equal(await client.next(), 'close 1000 ""');
      assert.ok(server.counts().open <= 1 + 25);
    });
  }

  test('a head that comes byte by byte is a handshake all the same', async (t) => {
    const { connect } = await serve(t);
    const client = await connect();
    for (const character of handshake()) client.write(character);
    assert.equal((await client.readAnswer()).status, 101);
  });

  test('garbage is answered with 400 by Node, and hurts nobody', async (t) => {
    const { connect, open } = await serve(t);
    for (const garbage of ['\x16\x03\x01\x02\x00', 'GET\r\n\r\n', '\r\n\r\n\0\0\0', 'GET / HTTP/1.1\r\n: x\r\n\r\n']) {
      const client = await connect();
      client.write(garbage);
      client.end();
      assert.match((await client.readToEnd()).toString(), /^(HTTP\/1\.1 400 Bad Request\r\n|$)/);
    }
    await open();
  });
});
