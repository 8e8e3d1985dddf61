import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { describe, test, type TestContext } from 'node:test';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { TLS } from '../support/certificate.ts';
import { utf8 } from '../support/frames.ts';
import { handshake, RawClient } from '../support/raw-client.ts';
import { listen } from '../support/servers.ts';

// RFC 9110 §7.8: a server MAY ignore a received Upgrade header field. Then the request is served as it is, body included.

/** What curl --http2 and Java's HttpClient add to a request. */
const H2C = 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';

/** A host that says what it was sent, with an echo beside it. */
async function serveEcho(
  t: TestContext,
  secure: boolean,
): Promise<{ connect(): Promise<RawClient>; host: http.Server }> {
  const listener: http.RequestListener = (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part) => (body += part));
    request.on('end', () => {
      response.end(JSON.stringify({ method: request.method, url: request.url, body }));
    });
  };
  const host = secure ? https.createServer(TLS, listener) : http.createServer(listener);
  const server = new WebSocketServer({ path: '/echo', message: (connection, data) => void connection.send(data) });
  server.attach(host);
  const port = await listen(t, host);
  const clients: RawClient[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    await server.close();
  });
  return {
    host,
    connect: async () => {
      const client = await RawClient.connect(port, secure);
      clients.push(client);
      return client;
    },
  };
}

async function seen(client: RawClient): Promise<Record<string, unknown>> {
  const response = await client.readResponse();
  assert.equal(response.status, 200);
  return JSON.parse(response.body) as Record<string, unknown>;
}

for (const secure of [false, true]) {
  describe(`an Upgrade to something else is ignored ${secure ? 'over TLS' : 'in the clear'}`, () => {
    test('a GET is served, at the path of a WebSocket too', async (t) => {
      const { connect } = await serveEcho(t, secure);
      for (const path of ['/page', '/echo']) {
        const client = await connect();
        client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`);
        assert.deepEqual(await seen(client), { method: 'GET', url: path, body: '' });
      }
    });

    test('a body comes with it: at once, split over packets, or much later', async (t) => {
      const { connect } = await serveEcho(t, secure);
      const body = 'x'.repeat(200_000);
      const head = `POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${H2C}\r\n`;
      for (const cut of [0, 1, 100_000, body.length]) {
        const client = await connect();
        client.write(head + body.slice(0, cut));
        await new Promise(setImmediate);
        for (let at = cut; at < body.length; at += 30_000) {
          client.write(body.slice(at, Math.min(body.length, at + 30_000)));
          await new Promise(setImmediate);
        }
        assert.equal((await seen(client))['body'], body);
      }
    });

    test('a chunked body, cut anywhere', async (t) => {
      const { connect } = await serveEcho(t, secure);
      const request = `POST /page HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${H2C}\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`;
      for (let cut = request.length - 30; cut < request.length; cut += 3) {
        const client = await connect();
        client.write(request.slice(0, cut));
        await new Promise(setImmediate);
        client.write(request.slice(cut));
        assert.equal((await seen(client))['body'], 'hello world');
      }
    });

    test('Expect: 100-continue is honoured', async (t) => {
      const { connect } = await serveEcho(t, secure);
      const client = await connect();
      client.write(`POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n${H2C}\r\n`);
      assert.equal((await client.readAnswer()).status, 100);
      client.write('body');
      assert.equal((await seen(client))['body'], 'body');
    });

    test('the connection is kept, and may be used for anything: again, plain, pipelined, and a WebSocket at last', async (t) => {
      const { connect, host } = await serveEcho(t, secure);
      const warnings: unknown[] = [];
      const warn = (warning: unknown): void => void warnings.push(warning);
      process.on('warning', warn);
      const client = await connect();
      for (let i = 0; i < 15; i++) {
        client.write(`POST /${i} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n${H2C}\r\n${i % 10}`);
        assert.deepEqual([(await seen(client))['url']], [`/${i}`]);
      }
      client.write('GET /plain HTTP/1.1\r\nHost: x\r\n\r\n');
      assert.equal((await seen(client))['url'], '/plain');
      client.write(
        `GET /a HTTP/1.1\r\nHost: x\r\n${H2C}\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      for (const url of ['/a', '/b', '/c']) assert.equal((await seen(client))['url'], url);
      const count = await new Promise<number>((resolve) => host.getConnections((_, open) => resolve(open)));
      assert.equal(count, 1);
      client.write(handshake({ path: '/echo' }));
      assert.equal((await client.readAnswer()).status, 101);
      client.send({ opcode: 1, payload: utf8('and on') });
      assert.equal(await client.next(), 'text "and on"');
      process.off('warning', warn);
      assert.deepEqual(warnings, []);
    });

    test('fields that Node drops cannot hide a body: it is never taken for a request', async (t) => {
      const { connect, host } = await serveEcho(t, secure);
      const served: unknown[] = [];
      host.on('request', ({ url }) => served.push(url));
      const inner = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
      const length = `Content-Length: ${inner.length}\r\nConnection: close\r\n`;
      for (const [most, fields] of [
        [null, 1100],
        [10, 50],
        [0, 1100],
      ] as const) {
        host.maxHeadersCount = most;
        const client = await connect();
        client.write(`POST /page HTTP/1.1\r\nHost: x\r\n${H2C}${'a:\r\n'.repeat(fields)}${length}\r\n${inner}`);
        const { status, body } = await client.readResponse();
        // Some versions of Node refuse so many by themselves, some serve them whole; the others drop what is above.
        if (status !== 431) {
          const answer = JSON.parse(body) as Record<string, unknown>;
          assert.deepEqual([status, answer['url'], answer['body']], [200, '/page', inner]);
        }
        client.end();
        assert.equal((await client.readToEnd()).length, 0);
      }
      assert.ok(!served.includes('/smuggled'));
    });

    test('Connection: close is honoured', async (t) => {
      const { connect } = await serveEcho(t, secure);
      const client = await connect();
      client.write('GET /last HTTP/1.1\r\nHost: x\r\nUpgrade: TLS/1.0, irc\r\nConnection: upgrade, close\r\n\r\n');
      const response = await client.readResponse();
      assert.deepEqual(JSON.parse(response.body), { method: 'GET', url: '/last', body: '' });
      assert.equal((await client.readToEnd()).length, 0);
    });
  });
}

test('a WebSocket handshake with a body that has not arrived is refused, and harms nobody', async (t) => {
  const { connect } = await serveEcho(t, false);
  for (const path of ['/echo', '/elsewhere']) {
    for (const method of ['GET', 'POST']) {
      for (const body of ['', 'x', 'x'.repeat(10)]) {
        const client = await connect();
        client.write(handshake({ method, path, headers: { 'Content-Length': '10' } }), body);
        const { status } = await client.readResponse();
        assert.equal(status, path === '/elsewhere' ? 404 : method === 'GET' ? 400 : 405);
        client.end();
        assert.equal((await client.readToEnd()).length, 0);
        await client.closed;
      }
    }
  }
});

test('the host decides on upgrades again as soon as nobody is attached', () => {
  const host = http.createServer() as http.Server & { shouldUpgradeCallback?: unknown };
  const before = host.shouldUpgradeCallback;
  const servers = ['/a', '/b'].map((path) => new WebSocketServer({ path }).attach(host));
  // Earlier versions are not asked: there, what is no WebSocket can be put back.
  assert.equal(host.shouldUpgradeCallback !== before, Number.parseInt(process.versions.node, 10) >= 25);
  for (const server of servers) server.detach(host);
  assert.equal(host.shouldUpgradeCallback, before);
});

describe('an Upgrade behind a request that is not answered yet', () => {
  for (const protocol of ['websocket', 'h2c']) {
    test(`${protocol}: no answer out of order, and no crash`, async (t) => {
      let answer!: () => void;
      const slow = new Promise<void>((resolve) => (answer = resolve));
      const asked: string[] = [];
      const host = http.createServer((request, response) => {
        asked.push(request.url!);
        void slow.then(() => response.end(`answer to ${request.url}`));
      });
      const opened: unknown[] = [];
      const server = new WebSocketServer({ open: (connection) => opened.push(connection) }).attach(host);
      t.after(() => server.close());
      const client = await RawClient.connect(await listen(t, host));
      t.after(() => client.destroy());
      const upgrade = handshake({ path: '/late', headers: { Upgrade: protocol, Connection: 'Upgrade, close' } });
      client.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n', upgrade);
      // Where Node lets a server say which upgrades it wants, the others are ordinary requests; else the connection ends.
      if (asked.length === 0) await once(host, 'request');
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
      answer();
      const answers = (await client.readToEnd()).toString();
      assert.match(
        answers,
        protocol === 'h2c'
          ? /^$|^HTTP\/1\.1 200 OK\r\n.*answer to \/slowHTTP\/1\.1 200 OK\r\n.*answer to \/late$/s
          : /^$/,
      );
      assert.deepEqual(opened, []);
    });
  }

  test('behind one that is answered it is served: keep-alive, then a WebSocket', async (t) => {
    const host = http.createServer((_, response) => response.end('x'.repeat(500_000)));
    const server = new WebSocketServer({ message: (connection, data) => void connection.send(data) }).attach(host);
    const client = await RawClient.connect(await listen(t, host));
    t.after(async () => {
      client.destroy();
      await server.close();
    });
    client.write('GET /page HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.readResponse();
    client.write(handshake());
    assert.equal((await client.readAnswer()).status, 101);
    client.sendText('works');
    assert.equal(await client.next(), 'text "works"');
  });
});
