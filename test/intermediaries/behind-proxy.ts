import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { Client, refusal } from '../support/client.ts';
import type { StartProxy } from '../support/proxy.ts';
import { Random } from '../support/random.ts';
import { handshake, RawClient } from '../support/raw.ts';
import { Site } from '../support/site.ts';

const LIMIT = 1_048_576;
const IDLE_SECONDS = 2;

/** Everything that has to work through a reverse proxy as it does without one. */
export async function behindProxy(name: string, start: StartProxy): Promise<void> {
  const site = await Site.start({ after });
  const port = await start({ after }, site.port);
  const url = (path: string): string => site.socket(path, port);

  describe(`WebSockets behind ${name}`, () => {
    test('text, binary and large messages, whole and in fragments', async (t) => {
      const client = await Client.open(t, url('/echo'), { maxPayload: 0 });
      const random = new Random(1);
      for (const length of [0, 1, 125, 126, 65_535, 65_536, LIMIT]) {
        const bytes = random.bytes(length);
        assert.deepEqual(await client.ask(bytes), bytes);
        assert.equal(await client.ask('x'.repeat(length)), 'x'.repeat(length));
      }
      for (let i = 0; i < 64; i++) client.socket.send('part ', { fin: i === 63 });
      assert.equal(await client.next(), 'part '.repeat(64));
    });

    test('compressed messages', async (t) => {
      const client = await Client.open(t, url('/takeover'), { perMessageDeflate: { threshold: 0 } });
      assert.equal(client.answer['sec-websocket-extensions'], 'permessage-deflate');
      for (let i = 0; i < 20; i++) assert.equal(await client.ask('again '.repeat(5000)), 'again '.repeat(5000));
    });

    test('the headers of a handshake: host, origin, subprotocols', async (t) => {
      // The host that the browser knows is the proxy's, and the server compares the page's origin with it.
      const client = await Client.open(t, url('/echo'), { origin: `http://127.0.0.1:${port}` }, ['v1.echo']);
      assert.equal(client.socket.protocol, 'v1.echo');
      const foreign = await refusal(url('/echo'), { origin: `http://127.0.0.1:${site.port}` });
      assert.equal(foreign.status, 403);
    });

    test('close codes, both ways', async (t) => {
      for (const code of [1000, 1001, 3000, 4999]) {
        const client = await Client.open(t, url('/commands'));
        assert.equal((await client.close(code, 'because')).code, code);
        assert.deepEqual(await site.ended('/commands'), { code, reason: 'because', wasClean: true });
      }
      for (const [command, closed] of Object.entries({
        'close 4001 bye': { code: 4001, reason: 'bye' },
        'close 1012': { code: 1012, reason: '' },
        terminate: { code: 1006, reason: '' },
      })) {
        const client = await Client.open(t, url('/commands'));
        client.send(command);
        assert.deepEqual(await client.closed, closed);
        assert.equal((await site.ended('/commands')).code, closed.code);
      }
    });

    test('a message above the limit: 1009 comes through', async (t) => {
      const client = await Client.open(t, url('/commands'));
      client.send(Buffer.alloc(LIMIT + 1));
      assert.equal((await client.closed).code, 1009);
      assert.equal((await site.ended('/commands')).code, 1009);
    });

    test('a client that vanishes is noticed', async (t) => {
      const client = await Client.open(t, url('/commands'));
      client.socket.terminate();
      assert.deepEqual(await site.ended('/commands'), { code: 1006, reason: '', wasClean: false });
    });
  });

  describe(`idle connections behind ${name}, which ends them after ${IDLE_SECONDS} s`, { concurrency: 2 }, () => {
    test('pings keep them', async (t) => {
      const pinging = await Site.start(t, { pingInterval: 300, pongTimeout: 5000 });
      const client = await Client.open(
        t,
        site.socket('/echo', await start(t, pinging.port, { idle: `${IDLE_SECONDS}s` })),
      );
      const opened = performance.now();
      for (let pings = 0; pings < 3 || performance.now() - opened < 2200 * IDLE_SECONDS; pings++) {
        await Promise.race([once(client.socket, 'ping'), client.closed.then(() => assert.fail('closed'))]);
      }
      assert.equal(await client.ask('still here'), 'still here');
    });

    test('without pings they end, as 1006 on both sides', async (t) => {
      const silent = await Site.start(t, { pingInterval: 0 });
      const client = await Client.open(
        t,
        site.socket('/echo', await start(t, silent.port, { idle: `${IDLE_SECONDS}s` })),
      );
      assert.equal((await client.closed).code, 1006);
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
        const [direct, through] = await Promise.all([refusal(site.socket(path)), refusal(url(path))]);
        assert.equal(through.status, status);
        assert.equal(through.headers['content-type'], 'application/problem+json');
        assert.deepEqual(JSON.parse(through.body), JSON.parse(direct.body));
        for (const field of ['www-authenticate', 'retry-after', 'cache-control'] as const) {
          assert.equal(through.headers[field], direct.headers[field], field);
        }
      });
    }

    test('426 passes as it is, and says which version the server speaks', async (t) => {
      const client = await RawClient.connect(t, port);
      client.write(handshake('/echo', { 'Sec-WebSocket-Version': '99' }));
      const head = await client.readUntil('\r\n\r\n');
      assert.match(head, /^HTTP\/1\.1 426 Upgrade Required\r\n/);
      assert.match(head, /\r\nSec-WebSocket-Version: 13\r\n/i);
      const page = await fetch(`http://127.0.0.1:${port}/echo`);
      assert.equal(page.status, 426);
      const problem = (await page.json()) as { code: string };
      assert.equal(problem.code, 'PB_HANDSHAKE_UPGRADE_MISSING');
    });
  });

  describe(`request smuggling through ${name}`, () => {
    const BAD: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
      'an unknown version': { 'Sec-WebSocket-Version': '99' },
      'no version': { 'Sec-WebSocket-Version': undefined },
      'no key': { 'Sec-WebSocket-Key': undefined },
      'an upgrade to h2c': {
        Upgrade: 'h2c',
        Connection: 'Upgrade, HTTP2-Settings',
        'HTTP2-Settings': 'AAMAAABkAAQAAP__',
      },
      'an upgrade to both': { Upgrade: 'h2c, websocket', 'Sec-WebSocket-Version': '99' },
    };
    for (const anyUpgrade of [false, true]) {
      const how = anyUpgrade ? 'which passes on any upgrade' : 'as it ships';
      test(`${how}: a request behind a refused handshake never reaches the server`, async (t) => {
        const proxyPort = anyUpgrade ? await start(t, site.port, { anyUpgrade }) : port;
        for (const [what, fields] of Object.entries(BAD)) {
          const internal = `GET /internal HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
          // All at once, as a pipeline; and after the answer, as through a tunnel that is none.
          const pipelined = await RawClient.connect(t, proxyPort);
          pipelined.write(handshake('/echo', fields) + internal.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
          await pipelined.over;
          assert.doesNotMatch(pipelined.bytes.toString(), /"path":"\/internal"/, what);

          const waiting = await RawClient.connect(t, proxyPort);
          waiting.write(handshake('/echo', fields));
          await waiting.readUntil('\r\n\r\n');
          waiting.write(internal.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
          await waiting.over;
          assert.doesNotMatch(waiting.bytes.toString(), /"path":"\/internal"/, what);
        }
        assert.equal(site.internalHits, 0);
      });
    }

    test('the server would have answered that request', async (t) => {
      const other = await Site.start(t);
      await fetch(`http://127.0.0.1:${other.port}/internal`);
      assert.equal(other.internalHits, 1);
      const closed = await fetch(`http://127.0.0.1:${port}/internal`);
      assert.equal(closed.status, 403);
    });
  });

  describe(`Upgrade: h2c through ${name}`, () => {
    for (const anyUpgrade of [false, true]) {
      test(`is served as HTTP/1.1, body included${anyUpgrade ? ', where the proxy passes it on' : ''}`, async (t) => {
        const proxyPort = anyUpgrade ? await start(t, site.port, { anyUpgrade }) : port;
        for (const body of ['', 'hello', 'x'.repeat(500_000)]) {
          const answer = await post(proxyPort, body);
          assert.deepEqual(answer, { method: 'POST', path: '/body', httpVersion: '1.1', body });
        }
      });
    }
  });
}

async function post(port: number, body: string): Promise<unknown> {
  const headers = {
    Connection: 'Upgrade, HTTP2-Settings',
    Upgrade: 'h2c',
    'HTTP2-Settings': 'AAMAAABkAAQAAP__',
    'Content-Length': Buffer.byteLength(body),
  };
  const outgoing = request({ port, host: '127.0.0.1', path: '/body', method: 'POST', headers, agent: false });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  return JSON.parse(await text(response));
}
