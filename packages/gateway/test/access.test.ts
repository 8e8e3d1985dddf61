import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { RateTable } from '@pulsebeacon/hub';
import { findForeign } from '#dist/access/local-peer.js';
import { ask } from './support/http.ts';
import { Program, runProgram } from './support/program.ts';

const peer = (remoteAddress: string | undefined, fields: Readonly<Record<string, string>>) => ({
  remoteAddress,
  isProxied: fields['proxied'] !== undefined,
  httpVersion: fields['version'] ?? '1.1',
  header: (name: string) => fields[name],
});

describe('somebody on this machine', () => {
  for (const host of [
    'localhost',
    'localhost:8080',
    '127.0.0.1',
    '127.1.2.3:1',
    '[::1]:8080',
    'LOCALHOST.',
    'a.localhost',
  ]) {
    it(`has a loopback address and calls the server ${host}`, () => {
      for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', undefined]) {
        assert.equal(findForeign(peer(address, { host })), undefined);
      }
    });
  }

  for (const [why, address, fields] of [
    ['another address', '192.0.2.1', { host: 'localhost' }],
    ['another name in Host', '127.0.0.1', { host: 'evil.test' }],
    ['another name in :authority', '127.0.0.1', { ':authority': 'chat.example.com', version: '2' }],
    ['a name that ends alike', '127.0.0.1', { host: 'localhost.evil.test' }],
    ['Forwarded', '127.0.0.1', { host: 'localhost', forwarded: 'for=127.0.0.1' }],
    ['X-Forwarded-For', '127.0.0.1', { host: 'localhost', 'x-forwarded-for': '127.0.0.1' }],
    ['X-Forwarded-Host', '127.0.0.1', { host: 'localhost', 'x-forwarded-host': 'localhost' }],
    ['X-Forwarded-Proto', '127.0.0.1', { host: 'localhost', 'x-forwarded-proto': 'http' }],
    ['X-Forwarded-Port', '127.0.0.1', { host: 'localhost', 'x-forwarded-port': '443' }],
    ['X-Forwarded-Server', '127.0.0.1', { host: 'localhost', 'x-forwarded-server': 'proxy' }],
    ['CF-Connecting-IP', '127.0.0.1', { host: 'localhost', 'cf-connecting-ip': '192.0.2.1' }],
    ['HTTP/1.0', '127.0.0.1', { host: 'localhost', version: '1.0' }],
    ['a trusted proxy in front', '127.0.0.1', { host: 'localhost', proxied: 'yes' }],
    ['Via', '127.0.0.1', { host: 'localhost', via: '1.1 proxy' }],
  ] as const) {
    it(`has not ${why}`, () => assert.equal(typeof findForeign(peer(address, fields)), 'string'));
  }
});

it('each address has a rate of its own', () => {
  const rates = new RateTable();
  const take = (address: string, now: number): boolean => rates.take(address, 10 / 60, 10, now);
  for (let i = 0; i < 10; i++) assert.equal(take('192.0.2.1', 0), true);
  assert.equal(take('192.0.2.1', 0), false);
  assert.equal(take('192.0.2.2', 0), true);
  assert.equal(take('192.0.2.1', 6001), true);
  assert.equal(rates.take('192.0.2.1', Infinity, 1, 0), true);
});

describe('who may publish', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pulsebeacon-access-'));
  let program: Program;
  let key: string;
  before(async () => {
    const store = ['--data', folder];
    const { stdout } = await runProgram(['keys', 'create', ...store, '--rights', 'publish', '--channels', 'news:*']);
    key = stdout.trim();
    program = await Program.start([...store, '--listen', '0.0.0.0:0', '--public-url', 'http://pages.test']);
  });
  after(async () => {
    await program?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const publish = (channel: string, headers: Readonly<Record<string, string>>) =>
    ask(`${program.base}/channels/${channel}`, { method: 'POST', body: 'x', headers });

  it('a program of this machine, without a key', async () => {
    assert.equal((await publish('news', {})).status, 201);
  });

  it('nobody behind a proxy, or under another name, without a key: the answer says what would help', async () => {
    for (const headers of [{ 'X-Forwarded-For': '192.0.2.1' }, { Via: '1.1 x' }, { Host: 'pages.test' }]) {
      const answer = await publish('news', headers as never);
      assert.equal(answer.status, 401);
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="pulsebeacon"');
      assert.equal(answer.json()['code'], 'PB_UNAUTHENTICATED');
      assert.match(
        String(answer.json()['detail']),
        /^credentials are needed to publish in news: .*pulsebeacon keys create/,
      );
    }
  });

  it('the holder of a key, where it reaches', async () => {
    const headers = { Host: 'pages.test', Authorization: `Bearer ${key}` };
    assert.equal((await publish('news:a', headers)).status, 201);
    const elsewhere = await publish('sports', headers);
    assert.equal(elsewhere.status, 403);
    assert.match(String(elsewhere.json()['detail']), /^key:\w{8} may not publish in sports$/);
    const nonsense = await publish('news:a', { Host: 'pages.test', Authorization: 'Bearer nonsense' });
    assert.equal(nonsense.status, 401);
    assert.match(String(nonsense.json()['detail']), /^this is not a key: a key is pb_[^:]*$/);
    assert.equal((await publish('news:a', { Host: 'pages.test', Authorization: 'Basic eDp5' })).status, 401);
  });

  it('nobody with the session of a key that was revoked, or with one that was begun on this machine', async () => {
    const store = ['--data', folder];
    const { stdout } = await runProgram(['keys', 'create', ...store, '--rights', 'publish', '--channels', '*']);
    const own = stdout.trim();
    const connect = async (headers: Readonly<Record<string, string>>, session?: unknown) => {
      const commands = [{ type: 'publish', id: 1, channel: 'news', data: 1 }];
      const body = JSON.stringify({ hello: { versions: [1], session }, commands });
      const options = { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } };
      return (await ask(`${program.base}/connect`, options)).json() as { code?: string; messages?: never[] };
    };
    const abroad = { Via: '1.1 x' };
    const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
      for (const end = Date.now() + 5000; Date.now() < end; ) {
        const found = await look();
        if (found !== undefined) return found;
      }
      throw new Error('a key that was made or revoked a moment ago is noticed within a second');
    };
    const begun = await until(async () => (await connect({ ...abroad, Authorization: `Bearer ${own}` })).messages);
    const [{ session }, published] = begun as unknown as [{ session: string }, { type: string }];
    assert.equal(published.type, 'published');
    assert.equal((await connect(abroad, session)).code, undefined);
    await runProgram(['keys', 'revoke', own.split('_')[1]!, ...store]);
    assert.equal(await until(async () => (await connect(abroad, session)).code), 'PB_SESSION_INVALID');

    const [local] = (await connect({})).messages as unknown as [{ session: string }];
    assert.equal((await connect({}, local.session)).code, undefined);
    assert.equal((await connect(abroad, local.session)).code, 'PB_SESSION_INVALID');
  });

  it('no page of another origin, whatever it has', async () => {
    for (const headers of [{ Origin: 'http://evil.test' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
      assert.equal((await publish('news', headers as never)).status, 403);
    }
  });

  it('no page whose Host was changed on the way: the log says so, and the option that lets it in', async () => {
    const page = { Origin: 'http://proxy.test', 'Sec-Fetch-Site': 'same-origin', Via: '1.1 x' };
    const answer = await publish('news', page);
    assert.equal(answer.status, 403);
    assert.match(String(answer.json()['detail']), /not that of Host, which a proxy has to pass on/);
    const { msg } = await program.waitFor((line) => line.msg.includes('http://proxy.test'));
    assert.match(msg, /--allow-origin http:\/\/proxy\.test would let it in; .*a proxy on the way has to pass Host on$/);
  });
});

it('a key is made and printed once, where others can reach the server and nobody has one', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pulsebeacon-access-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const args = ['--data', folder, '--listen', '0.0.0.0:0'];
  const { stderr } = await (await Program.start(args)).stop();
  const [, made] = /it is shown this once: (pb_\w{8}_[\w-]{43})\n$/.exec(stderr)!;
  const again = await Program.start(args);
  const metrics = await ask(`${again.base}/metrics`, { headers: { Via: '1.1 x', Authorization: `Bearer ${made}` } });
  assert.equal(metrics.status, 200);
  assert.equal((await again.stop()).stderr, '');
});

it('--anonymous lets everybody publish, and nobody see the figures', async () => {
  const program = await Program.start(['--listen', '0.0.0.0:0', '--anonymous']);
  const headers = { Via: '1.1 x' };
  const answer = await ask(`${program.base}/channels/news`, { method: 'POST', body: 'x', headers });
  assert.equal(answer.status, 201);
  assert.equal((await ask(`${program.base}/metrics`, { headers })).status, 401);
  await program.stop();
});
