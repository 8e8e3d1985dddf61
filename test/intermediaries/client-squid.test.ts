// requires: squid, openssl
// Our client through a forward proxy that wants a password.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { after, describe, test, type TestContext } from 'node:test';
import {
  type ClientConnection,
  connect,
  type ConnectOptions,
  HandshakeError,
  type TraceEvent,
  WebSocketServer,
} from '@pulsebeacon/websocket';
import { ACCOUNT } from '../support/accounts.ts';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryFolder } from '../support/cleanup.ts';
import { handshake, RawClient } from '../support/raw.ts';
import { Site } from '../support/site.ts';
import { startSquid } from '../support/squid.ts';

const { certFile, keyFile } = await makeCertificate(await temporaryFolder({ after }));
const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);

async function startEcho(tls?: { cert: string; key: string }): Promise<number> {
  const server = new WebSocketServer({ message: (connection, data, kind) => void connection.send(data, kind) });
  const where = { host: '127.0.0.1', port: 0, ...(tls === undefined ? {} : { tls }) };
  const { port } = (await server.listen(where)) as AddressInfo;
  after(() => server.close());
  return port;
}

const [plain, secure] = await Promise.all([startEcho(), startEcho({ cert, key })]);
const URLS = { 'ws:': `ws://127.0.0.1:${plain}/`, 'wss:': `wss://localhost:${secure}/` };
const USERINFO = `${ACCOUNT.username}:${encodeURIComponent(ACCOUNT.password)}`;

async function echoes(url: string, options: ConnectOptions): Promise<string[]> {
  const heads: string[] = [];
  const trace = (event: TraceEvent): void => {
    if (event.type === 'request' || event.type === 'answer') heads.push(event.text);
  };
  const connection = await connect(url, { tls: { ca: cert }, ...options, trace });
  const sent = 'x'.repeat(300_000);
  connection.send(sent);
  for await (const message of connection.messages()) {
    assert.equal(message, sent);
    break;
  }
  connection.close();
  return heads;
}

async function failed(url: string, options: ConnectOptions): Promise<HandshakeError> {
  const error = await connect(url, options).then(
    () => assert.fail('it connected'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HandshakeError, String(error));
  return error;
}

// Before the first test: when none is left that is known of, what was started is ended.
const PROXIES = await Promise.all(
  (['basic', 'digest'] as const).map(async (scheme) => ({ scheme, port: await startSquid({ after }, [scheme]) })),
);

for (const { scheme, port } of PROXIES) {
  const proxy = `http://${USERINFO}@127.0.0.1:${port}`;
  describe(`squid with a password (${scheme})`, () => {
    for (const [kind, url] of Object.entries(URLS)) {
      test(`opens a tunnel for ${kind}`, async () => {
        const heads = await echoes(url, { proxy });
        const shown = heads.filter((head) => head.startsWith('CONNECT')).at(-1)!;
        assert.match(shown, new RegExp(`^Proxy-Authorization: ${scheme} `, 'im'));
        assert.ok(heads.every((head) => head.startsWith('CONNECT') || !head.includes('Proxy-Authorization')));
      });
    }

    test('says so where the password is wrong, or there is none', async () => {
      const wrong = await failed(URLS['ws:'], { proxy: `http://Mufasa:geheim@127.0.0.1:${port}` });
      assert.deepEqual([wrong.code, wrong.status], ['PB_CREDENTIALS_REJECTED', 407]);
      assert.ok(!wrong.message.includes('geheim'));
      const none = await failed(URLS['wss:'], { proxy: `http://127.0.0.1:${port}` });
      assert.deepEqual([none.code, none.status], ['PB_PROXY_STATUS', 407]);
    });

    test('says so where a port is closed, and where nobody listens', async () => {
      const closed = await failed('ws://127.0.0.1:9/', { proxy });
      assert.deepEqual([closed.code, closed.status], ['PB_PROXY_STATUS', 403]);
      const nobody = await failed('ws://127.0.0.1:1/', { proxy });
      assert.deepEqual([nobody.code, nobody.status, nobody.retry], ['PB_PROXY_STATUS', 503, true]);
    });
  });
}

test('of Basic and Digest, Digest is answered', async () => {
  const port = await startSquid({ after }, ['basic', 'digest']);
  const heads = await echoes(URLS['ws:'], { proxy: `http://127.0.0.1:${port}`, credentials: () => ACCOUNT });
  assert.match(heads.filter((head) => head.startsWith('CONNECT')).at(-1)!, /^Proxy-Authorization: Digest /m);
});

describe('squid that forwards handshakes itself, and not by a tunnel', async () => {
  const site = await Site.start({ after });
  const port = await startSquid({ after }, ['basic'], { upgrades: true });
  const base = `http://127.0.0.1:${site.port}`;
  const login = {
    'Proxy-Authorization': `Basic ${Buffer.from(`${ACCOUNT.username}:${ACCOUNT.password}`).toString('base64')}`,
  };
  /** @param behind what it sends without waiting for the answer */
  const ask = async (t: TestContext, fields: Parameters<typeof handshake>[1], behind = ''): Promise<RawClient> => {
    const client = await RawClient.connect(t, port);
    client.write(handshake(`${base}/echo`, { Host: `127.0.0.1:${site.port}`, ...login, ...fields }) + behind);
    return client;
  };

  test('opens WebSockets', async (t) => {
    const client = await ask(t, {});
    assert.match(await client.readUntil('\r\n\r\n'), /^HTTP\/1\.1 101 /);
  });

  test('passes nothing on behind a handshake that is refused', async (t) => {
    for (const fields of [{ 'Sec-WebSocket-Version': '99' }, { 'Sec-WebSocket-Key': undefined }]) {
      const client = await ask(t, fields);
      assert.match(await client.readUntil('\r\n\r\n'), /^HTTP\/1\.1 4(?:00|26) /);
      // What the proxy would refuse if it read it, and would not if it took this for a tunnel.
      client.write('GET /internal HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
      const behind = `GET ${base}/internal HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
      const pipelined = await ask(t, fields, behind);
      await Promise.all([client.over, pipelined.over]);
      for (const { bytes } of [client, pipelined]) assert.doesNotMatch(bytes.toString(), /"path":"\/internal"/);
    }
    assert.equal(site.internalHits, 0);
  });
});

describe('a tunnel of squid', { concurrency: 3 }, async () => {
  const site = await Site.start({ after }, { pingInterval: 0 });
  const proxy = `http://${USERINFO}@127.0.0.1:${await startSquid({ after }, ['basic'], { idle: 2 })}`;

  test('has close codes pass, both ways', async () => {
    const open = async (): Promise<{ connection: ClientConnection; closed: Promise<unknown[]> }> => {
      let tell = (_how: unknown[]): void => {};
      const closed = new Promise<unknown[]>((resolve) => (tell = resolve));
      const connection = await connect(site.socket('/commands'), { proxy, close: (_, ...how) => tell(how) });
      return { connection, closed };
    };
    const ours = await open();
    ours.connection.close(4999, 'because');
    assert.deepEqual(await ours.closed, [4999, '', true]);
    assert.deepEqual(await site.ended('/commands'), { code: 4999, reason: 'because', wasClean: true });
    const theirs = await open();
    theirs.connection.send('close 4001 bye');
    assert.deepEqual(await theirs.closed, [4001, 'bye', true]);
    const cut = await open();
    cut.connection.send('terminate');
    assert.equal((await cut.closed)[0], 1006);
  });

  for (const pingInterval of [300, 0]) {
    test(`that ends after 2 s of silence ${pingInterval === 0 ? 'ends without pings' : 'is kept by pings'}`, async (t) => {
      const began = performance.now();
      const connection = await connect(site.socket('/echo'), {
        proxy,
        pingInterval,
        // Much longer than that silence.
        pong: () => {
          if (performance.now() - began > 4400) connection.send('still here');
        },
      });
      t.after(() => connection.terminate());
      const messages = connection.messages();
      const { value, done } = await messages[Symbol.asyncIterator]()
        .next()
        .catch(() => ({ value: undefined, done: true }));
      assert.deepEqual([value, done], pingInterval === 0 ? [undefined, true] : ['still here', false]);
      if (pingInterval === 0) assert.equal((await site.ended('/echo')).code, 1006);
    });
  }
});
