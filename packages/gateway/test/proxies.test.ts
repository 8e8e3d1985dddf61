// Behind proxies: who a client is, to caps, policies, keys and logs; and who is not believed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { ConnectionList } from 'pulsebeacon/dashboard';
import { ask, handshake, RawConnection } from './support/http.ts';
import { type LogLine, Program, runProgram } from './support/program.ts';
import { Client, refused } from './support/sockets.ts';

const PROXY = 'PROXY TCP4 203.0.113.7 198.51.100.2 56324 443\r\n';

let folder: string;
let key: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-proxies-'));
  const { stdout } = await runProgram(['keys', 'create', '--rights', 'admin', '--data', path.join(folder, 'data')]);
  key = /pb_\w{8}_[\w-]{43}/.exec(stdout)![0];
});
after(() => rm(folder, { recursive: true, force: true }));

/** With the key, whichever program it is. */
const start = (...args: readonly string[]): Promise<Program> =>
  Program.start(['--data', path.join(folder, 'data'), '--log-handshakes', ...args]);

const bearer = (text = key): Record<string, string> => ({ Authorization: `Bearer ${text}` });

/** The line of the handshake at a path, query included. */
const lineOf = (program: Program, at: string): Promise<LogLine> =>
  program.waitFor((line) => line['event'] === 'handshake' && line['path'] === at);

/** The lines of Pulse-Trace in the answer to a handshake. */
async function traceOf(port: number, at: string, ...fields: string[]): Promise<string[]> {
  const connection = await RawConnection.open(port);
  connection.send(handshake(at, 'localhost', 'Pulse-Trace: 1', ...fields));
  const answer = await connection.until('\r\n\r\n');
  connection.destroy();
  return answer.split('\r\n').filter((line) => line.startsWith('Pulse-Trace: '));
}

describe('serve --trusted-proxy loopback', () => {
  let program: Program;
  before(
    async () =>
      (program = await start(
        '--trusted-proxy',
        'loopback',
        '--max-connections-per-ip',
        '2',
        '--auth-failure-rate',
        '2',
      )),
  );
  after(() => program?.stop());

  const from = (address: string, more: Record<string, string> = {}) => ({
    headers: { 'X-Forwarded-For': address, ...more },
  });
  const open = (at: string, address: string) => Client.open(`${program.socketBase}${at}`, [], from(address));

  it('says at the start whom it believes', () => {
    assert.ok(program.find(({ msg }) => /^proxies {2}loopback say who a client is, by X-Forwarded-For/.test(msg)));
    assert.ok(program.find(({ msg }) => /^publish {2}nobody without a key/.test(msg)));
  });

  it('counts the connections of each client, by every kind of path, and lists them', async () => {
    const clients = [await open('/echo', '203.0.113.7'), await open('/channels/news', '203.0.113.7')];
    const more = await refused(`${program.socketBase}/live`, from('203.0.113.7'));
    assert.equal(more.status, 503);
    assert.match(more.body, /all of its 2 connections \(--max-connections-per-ip\)"/);
    // What the client itself has put before it changes nothing.
    assert.equal((await refused(`${program.socketBase}/echo`, from('192.0.2.9, 203.0.113.7'))).status, 503);
    const stream = await ask(`${program.base}/channels/news?follow`, from('203.0.113.7'));
    assert.equal(stream.status, 503);
    clients.push(await open('/echo', '203.0.113.8'));
    const list = await ask(`${program.base}/dashboard/connections`, { headers: bearer() });
    const { items } = list.json() as unknown as ConnectionList;
    assert.deepEqual(items.map(({ address }) => address).sort(), ['203.0.113.7', '203.0.113.7', '203.0.113.8']);
    for (const client of clients) await client.close();
  });

  it('has a line for each handshake: client, proxy, what was agreed on, and how it ended', async () => {
    const client = await Client.open(
      `${program.socketBase}/channels/log?access_token=${key}&as=json`,
      ['pulsebeacon.json'],
      {
        ...from('203.0.113.20'),
        origin: program.base,
      },
    );
    await client.close();
    const line = await lineOf(program, '/channels/log?access_token=…&as=json');
    const { msg, peer, proxy, httpVersion, method, origin, subprotocol, extensions, status, code, ms } = line;
    assert.deepEqual(
      { peer, proxy, httpVersion, method, origin, subprotocol, extensions, status, code },
      {
        peer: '203.0.113.20',
        proxy: '127.0.0.1',
        httpVersion: '1.1',
        method: 'GET',
        origin: program.base,
        subprotocol: 'pulsebeacon.json',
        extensions: '',
        status: 101,
        code: undefined,
      },
    );
    assert.ok(typeof ms === 'number' && ms >= 0);
    assert.match(
      msg,
      /^handshake GET \/channels\/log\?access_token=…&as=json HTTP\/1\.1 from 203\.0\.113\.20 by 127\.0\.0\.1: 101 in /,
    );
  });

  it('has one for those that are refused, even where they are none', async () => {
    await refused(
      `${program.socketBase}/nowhere?token=hidden&X-Amz-Signature=hidden&%73id=hidden`,
      from('203.0.113.21'),
    );
    const nowhere = await lineOf(program, '/nowhere?token=…&X-Amz-Signature=…&%73id=…');
    assert.deepEqual(
      [nowhere['peer'], nowhere['status'], nowhere['code']],
      ['203.0.113.21', 404, 'PB_HANDSHAKE_NO_SUCH_PATH'],
    );
    const connection = await RawConnection.open(program.port);
    connection.send(
      handshake('/echo?malformed', 'localhost', 'X-Forwarded-For: 203.0.113.22').replace(/Sec-WebSocket-Key.*\r\n/, ''),
    );
    await connection.end();
    const malformed = await lineOf(program, '/echo?malformed');
    assert.deepEqual(
      [malformed['peer'], malformed['status'], malformed['code']],
      ['203.0.113.22', 400, 'PB_HANDSHAKE_KEY_MISSING'],
    );
  });

  it('answers for the host that the client used, and compares origins with that', async () => {
    const host = { 'X-Forwarded-Host': 'live.example' };
    const foreign = await ask(`${program.base}/`, from('203.0.113.7', host));
    assert.equal(foreign.status, 421);
    assert.match(foreign.text, /"live\.example\\"; --public-url/);
    assert.equal(
      (await refused(`${program.socketBase}/echo`, from('203.0.113.7', { ...host, Origin: 'http://live.example' })))
        .status,
      421,
    );
    // TLS ends at the proxy: a page of http:// is not of this origin.
    const secure = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'localhost' };
    const publish = (origin: string) =>
      ask(`${program.base}/channels/news`, {
        method: 'POST',
        body: 'x',
        ...from('203.0.113.7', { ...secure, ...bearer(), Origin: origin }),
      });
    assert.equal((await publish('https://localhost')).status, 201);
    assert.equal((await publish('http://localhost')).status, 403);
  });

  it('takes nobody who came by a proxy for somebody on this machine', async () => {
    for (const headers of [{}, { 'X-Forwarded-For': '127.0.0.1' }]) {
      assert.equal((await ask(`${program.base}/channels/news`, { method: 'POST', body: 'x', headers })).status, 401);
      assert.equal((await ask(`${program.base}/metrics`, { headers })).status, 401);
      assert.equal((await ask(`${program.base}/dashboard/now`, { headers })).status, 401);
    }
    assert.equal((await ask(`${program.base}/metrics`, { headers: bearer() })).status, 200);
  });

  it('counts wrong keys by client', async () => {
    const wrong = { method: 'POST', body: 'x' };
    const tries = async (address: string): Promise<number> =>
      (await ask(`${program.base}/channels/news`, { ...wrong, ...from(address, bearer('pb_wrong')) })).status;
    assert.deepEqual(
      [await tries('203.0.113.30'), await tries('203.0.113.30'), await tries('203.0.113.30')],
      [401, 401, 429],
    );
    assert.equal(await tries('203.0.113.31'), 401);
  });

  it('shows the steps of a decision to those who run the server', async () => {
    const { port } = program;
    assert.deepEqual(await traceOf(port, '/echo?why'), []);
    assert.deepEqual(await traceOf(port, '/echo?why', 'X-Forwarded-For: 127.0.0.1'), []);
    assert.deepEqual(await traceOf(port, '/echo?why', 'Authorization: Bearer pb_wrong'), []);
    const client = 'X-Forwarded-For: 203.0.113.7';
    for (const steps of [
      await traceOf(port, '/echo', client, `Authorization: Bearer ${key}`),
      await traceOf(port, `/channels/news?access_token=${key}`, client),
      await traceOf(port, `/nowhere?access_token=${key}`, client),
    ]) {
      assert.match(steps.join('\n'), /2 client "203\.0\.113\.7, behind 127\.0\.0\.1, to http:\/\/localhost"/);
    }
  });
});

describe('serve, with nobody to believe', () => {
  let program: Program;
  before(async () => (program = await start('--max-connections-per-ip', '1')));
  after(() => program?.stop());

  const spoofed = { headers: { 'X-Forwarded-For': '203.0.113.7', Forwarded: 'for=203.0.113.8' } };

  it('reads no header of a stranger: neither a cap nor a line of the log goes by it', async () => {
    const clients = [];
    // Those of this machine have no cap, and no header gives them one.
    for (const at of ['/echo?1', '/echo?2']) clients.push(await Client.open(`${program.socketBase}${at}`, [], spoofed));
    const { peer, proxy } = await lineOf(program, '/echo?2');
    assert.deepEqual([peer, proxy], ['127.0.0.1', undefined]);
    for (const client of clients) await client.close();
  });

  it('says which option would have the proxy believed', async () => {
    const { status, text } = await ask(`${program.base}/`, { headers: { ...spoofed.headers, Host: 'live.example' } });
    assert.equal(status, 421);
    assert.match(text, /what forwarded says is believed of proxies that --trusted-proxy names/);
  });

  it('shows the steps of a decision to this machine', async () => {
    assert.match((await traceOf(program.port, '/echo')).join('\n'), /client "127\.0\.0\.1 \d+, to http:\/\/localhost"/);
    assert.deepEqual(await traceOf(program.port, '/echo', 'X-Forwarded-For: 127.0.0.1'), []);
  });
});

describe('serve --proxy-protocol', () => {
  let program: Program;
  let plain: number;
  let tls: number;
  let unix: string;
  before(async () => {
    unix = path.join(folder, 'proxied.sock');
    const listen = ['http://127.0.0.1:0', 'https://127.0.0.1:0', `unix:${unix}`].flatMap((at) => ['--listen', at]);
    program = await start('--proxy-protocol', '--trusted-proxy', 'loopback,unix', '--tls-dev', ...listen);
    [plain, tls] = program.listeners.map(({ port }) => port!) as [number, number];
  });
  after(() => program?.stop());

  /** A connection that a proxy has begun. */
  async function proxied(where: NetConnectOpts): Promise<Socket> {
    const socket = connect(where);
    await once(socket, 'connect');
    socket.write(PROXY);
    return socket;
  }

  for (const [name, where] of [
    ['plain', () => ({ port: plain, host: '127.0.0.1' })],
    ['Unix', () => ({ path: unix })],
  ] as const) {
    it(`knows the client of a ${name} connection, and takes it for no one of this machine`, async () => {
      const socket = await proxied(where());
      const at = `/echo?${name}`;
      socket.write(handshake(at, 'localhost'));
      assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 101 /);
      socket.destroy();
      const { peer, proxy } = await lineOf(program, at);
      assert.deepEqual([peer, proxy], ['203.0.113.7', name === 'Unix' ? 'unix' : '127.0.0.1']);
      const asking = await proxied(where());
      asking.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      assert.match(String((await once(asking, 'data'))[0]), /^HTTP\/1\.1 401 /);
      asking.destroy();
    });
  }

  it('knows each client of a Unix socket by itself', async () => {
    const other = PROXY.replace('203.0.113.7', '203.0.113.9');
    const [first, second] = [await proxied({ path: unix }), connect({ path: unix })];
    second.write(other + handshake('/echo?second', 'localhost'));
    await once(second, 'data');
    first.write(handshake('/echo?first', 'localhost'));
    await once(first, 'data');
    assert.equal((await lineOf(program, '/echo?second'))['peer'], '203.0.113.9');
    assert.equal((await lineOf(program, '/echo?first'))['peer'], '203.0.113.7');
    for (const socket of [first, second]) socket.destroy();
  });

  it('knows the client over TLS and HTTP/2', async () => {
    const secure = connectTls({
      socket: await proxied({ port: tls, host: '127.0.0.1' }),
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
    });
    for (const socket of [secure, await proxied({ port: plain, host: '127.0.0.1' })]) {
      const scheme = socket === secure ? 'https' : 'http';
      const session = connectHttp2(`${scheme}://localhost`, { createConnection: () => socket });
      await once(session, 'remoteSettings');
      const stream = session.request({
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':path': `/echo?${scheme}2`,
        'sec-websocket-version': '13',
      });
      const [{ ':status': status }] = (await once(stream, 'response')) as [Record<string, unknown>];
      assert.equal(status, 200);
      const line = await lineOf(program, `/echo?${scheme}2`);
      assert.deepEqual(
        [line['peer'], line['httpVersion'], line['method'], line['status']],
        ['203.0.113.7', '2', 'CONNECT', 200],
      );
      const metrics = session.request({ ':path': '/metrics' });
      const [answer] = (await once(metrics, 'response')) as [Record<string, unknown>];
      assert.equal(answer[':status'], 401);
      metrics.resume();
      session.destroy();
    }
  });

  it('cuts off whoever comes without it, and says so', async () => {
    const connection = await RawConnection.open(plain);
    connection.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.equal(await connection.end(), '');
    const { msg } = await program.waitFor(({ code }) => code === 'PB_PROXY_PROTOCOL');
    assert.match(
      msg,
      /^a connection from 127\.0\.0\.1 was cut off: no PROXY header: .*--proxy-protocol, --trusted-proxy/,
    );
  });

  it('takes the proxy itself, which speaks for nobody, for no one of this machine', async () => {
    const socket = connect({ port: plain, host: '127.0.0.1' });
    socket.write('PROXY UNKNOWN\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 401 /);
    socket.destroy();
  });

  it('leaves a Unix socket to this machine where no proxy uses it', async () => {
    const own = path.join(folder, 'own.sock');
    const other = await Program.start(['--proxy-protocol', '--trusted-proxy', '10.0.0.0/8', '--listen', `unix:${own}`]);
    try {
      assert.equal((await ask('http://localhost/metrics', { socketPath: own })).status, 200);
    } finally {
      await other.stop();
    }
  });
});

describe('settings that need a proxy to trust', () => {
  for (const [args, says] of [
    [['--proxy-protocol'], /--proxy-protocol needs to know who may speak it: --trusted-proxy ADDRESS/],
    [
      ['--forwarded-header', 'forwarded'],
      /--forwarded-header needs to know whose header is read: --trusted-proxy ADDRESS/,
    ],
    [['--trusted-proxy', 'proxy.example'], /Give an IP address, a range such as 10\.0\.0\.0\/8, loopback or unix/],
  ] as const) {
    it(args.join(' '), async () => {
      const { code, stderr } = await runProgram(['serve', '--port', '0', ...args]);
      assert.equal(code, 2);
      assert.match(stderr, says);
    });
  }
});
