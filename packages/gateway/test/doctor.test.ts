// What the way to a server does, and whether the doctor says so: each fault leads to the right words.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { FaultProxy, type Faults } from '@pulsebeacon/contracts/fault-proxy';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { DOCTOR_EXIT_CODES } from '#dist/commands/doctor.js';
import { certificateFault } from '#dist/doctor/certificate.js';
import { CHECKS } from '#dist/doctor/check.js';
import { Failure } from '#dist/failure.js';
import { folderFor } from './support/connect.ts';
import { diagnose, listen, startFilter, startForwardProxy } from './support/doctor.ts';
import { type Outcome, Program, runProgram } from './support/program.ts';

const guide = readFileSync(new URL('../../../../docs/guide/doctor.md', import.meta.url), 'utf8');
const commands = /^```sh\n([^]*?)^```$/m.exec(guide)![1]!.trim().split('\n');

it('has the exit codes of the guide', () => {
  for (const [code, about] of DOCTOR_EXIT_CODES) assert.ok(guide.includes(`| ${code} | ${about} |`), about);
});

// Side by side: most of it is waiting.
describe('the doctor', { concurrency: 12 }, () => {
  let program: Program;
  let secure: Program;
  before(async () => {
    [program, secure] = await Promise.all([Program.start(), Program.start(['--tls-dev'])]);
  });
  after(() => Promise.all([program?.stop(), secure?.stop()]));

  async function through(t: TestContext, faults: Faults): Promise<string> {
    const proxy = await FaultProxy.start(program.port, faults);
    t.after(() => proxy.close());
    return `ws://127.0.0.1:${proxy.port}`;
  }

  it('finds nothing on the shortest of ways', async () => {
    const found = await diagnose(`${program.socketBase}/echo`, { idle: 200 });
    assert.deepEqual(found.of('fail'), []);
    assert.deepEqual(found.of('warn'), []);
    assert.deepEqual(found.of('skip'), ['proxy', 'tls', 'websocket-http2']);
    assert.deepEqual(found.report.checks.map(({ id }) => id).toSorted(), Object.keys(CHECKS).toSorted());
    assert.equal(found.report.isOurs, true);
    assert.deepEqual(found.advice, {});
    assert.match(found.check('http').measured, /round trip; arrives as HTTP\/1\.1$/);
    assert.match(found.check('sse').measured, /^as it is written, the first chunk after /);
    assert.match(found.check('idle-websocket').measured, /^lives after 200 ms of silence$/);
  });

  it('says what to pass on where Upgrade does not arrive, and that streams get through', async (t) => {
    const found = await diagnose(await through(t, { stripUpgrade: true }), { idle: 100 });
    assert.deepEqual(found.of('fail'), ['websocket']);
    assert.match(found.check('websocket').measured, /^426: the server saw no Upgrade$/);
    assert.equal(found.check('messages').measured, 'there is no WebSocket');
    const text = found.advice['pass-upgrade-on']!;
    assert.match(text, /nginx: proxy_http_version 1\.1; proxy_set_header Upgrade \$http_upgrade; /);
    assert.match(text, /HAProxy: .* Apache: .*upgrade=websocket.* Caddy: /);
    for (const id of ['sse', 'ndjson', 'poll', 'idle-stream'] as const) assert.equal(found.check(id).result, 'ok', id);
    const { checks, advice } = found.json;
    const socket = checks.find(({ id }) => id === 'websocket');
    assert.deepEqual([socket?.['result'], socket?.['advice']], ['fail', 'pass-upgrade-on']);
    assert.deepEqual(advice, [{ code: 'pass-upgrade-on', text }]);
  });

  it('says that streams are held back, by name', async (t) => {
    const found = await diagnose(await through(t, { bufferResponses: true }));
    assert.deepEqual(found.of('fail'), ['sse', 'ndjson']);
    assert.match(found.check('sse').measured, /^held back: all 5 chunks at once, the first after /);
    assert.match(found.advice['buffered']!, /X-Accel-Buffering: no.*nginx: proxy_buffering off;.*flushpackets=on/);
  });

  it('says that silence is cut, and that pings keep a WebSocket alive', async (t) => {
    const found = await diagnose(await through(t, { cutIdle: 900 }), { idle: 1400 });
    assert.deepEqual(found.of('warn'), ['idle-websocket']);
    assert.deepEqual(found.of('fail'), ['poll', 'idle-stream']);
    assert.match(found.check('idle-websocket').measured, /^cut after /);
    assert.match(found.check('idle-pings').measured, /^lives after 1\.4 s, with a ping every 350 ms$/);
    assert.match(found.advice['idle-websocket-cut']!, /Pings keep it alive: leave pingInterval.*proxy_read_timeout/);
    assert.match(found.advice['idle-stream-cut']!, /HAProxy: timeout server 60s/);
    assert.match(found.advice['poll-cut']!, /--poll-timeout/);
  });

  it('says that a handshake passes and messages do not', async (t) => {
    const found = await diagnose(await through(t, { muteUpgraded: true }), { timeout: 2000 });
    assert.deepEqual(found.of('fail'), ['messages']);
    assert.equal(found.check('messages').measured, 'nothing comes back');
    assert.match(found.advice['frames-swallowed']!, /Over TLS \(wss:\/\/\)/);
  });

  it('tells who answers a handshake in place of the server', async (t) => {
    const answer = 'HTTP/1.1 403 Forbidden\r\nServer: Acme Filter\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
    const found = await diagnose(`ws://127.0.0.1:${await startFilter(t, program.port, answer)}`);
    assert.deepEqual(found.of('fail'), ['websocket']);
    assert.equal(found.check('websocket').measured, '403 of Acme Filter in place of 101');
    assert.match(found.advice['answered-on-the-way']!, /^Somebody on the way \(Acme Filter\) answered .* with 403/);
  });

  it('tells that a handshake is swallowed', async (t) => {
    const found = await diagnose(`ws://127.0.0.1:${await startFilter(t, program.port, '')}`);
    assert.equal(found.check('websocket').measured, 'cut off without an answer to the handshake');
    assert.ok('handshake-swallowed' in found.advice);
  });

  it('looks at what can be seen of any other server', async (t) => {
    const other = new WebSocketServer({ path: '/chat', compression: true });
    const { port } = (await other.listen({ host: '127.0.0.1', port: 0 })) as AddressInfo;
    t.after(() => other.close());
    const found = await diagnose(`ws://127.0.0.1:${port}/chat`, { idle: 100 });
    assert.deepEqual(found.of('fail'), []);
    assert.equal(found.report.isOurs, false);
    assert.match(found.check('http').measured, /no pulsebeacon serve, as far as one can see$/);
    assert.equal(found.check('websocket').result, 'ok');
    assert.equal(found.check('idle-websocket').result, 'ok');
    assert.equal(found.check('sse').measured, 'only a pulsebeacon serve can be asked');
  });

  it('sees HTTP/2 over TLS, and believes the certificates that it is told to', async (t) => {
    const socket = connectTls({ port: secure.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const ca = path.join(folderFor(t), 'ca.pem');
    writeFileSync(ca, socket.getPeerX509Certificate()!.toString());
    socket.destroy();
    const found = await diagnose(`https://localhost:${secure.port}`, { ca });
    assert.deepEqual(found.of('fail'), []);
    assert.match(found.check('tls').measured, /^TLS 1\.3, HTTP\/2, certificate of .* until \d{4}-\d\d-\d\d$/);
    assert.equal(found.check('websocket-http2').result, 'ok');
  });

  it('stops at a certificate that cannot be believed, unless told otherwise', async () => {
    const found = await diagnose(`https://localhost:${secure.port}`);
    assert.deepEqual(found.of('fail'), ['tls']);
    assert.match(found.advice['certificate']!, /signed by itself.*--ca FILE/);
    assert.equal(found.check('websocket').measured, 'not reached');
  });

  it('goes through a forward proxy, and says so', async (t) => {
    const { port, asked } = await startForwardProxy(t);
    const found = await diagnose(program.base, { proxy: `http://127.0.0.1:${port}` });
    assert.deepEqual(found.of('fail'), []);
    assert.equal(found.check('proxy').measured, `http://127.0.0.1:${port} (--proxy)`);
    assert.match(found.check('http').measured, /through via: 1\.1 test-proxy, 1\.1 test-proxy$/);
    assert.ok(asked.some((line) => line.startsWith(`GET ${program.base}/probe/request?`)));
    assert.ok(asked.includes(`CONNECT 127.0.0.1:${program.port}`));
  });

  it('gives a proxy the password that it has for it, and asks for one where it has none', async (t) => {
    const { port } = await startForwardProxy(t, `Basic ${Buffer.from('ann:secret').toString('base64')}`);
    const url = `https://localhost:${secure.port}`;
    const allowed = await diagnose(url, { proxy: `http://ann:secret@127.0.0.1:${port}`, insecure: true });
    assert.deepEqual(allowed.of('fail'), []);
    // Over TLS the tunnel is refused, without it the request itself.
    for (const [site, failing] of [
      [url, 'tls'],
      [program.base, 'http'],
    ] as const) {
      const none = await diagnose(site, { proxy: `http://127.0.0.1:${port}`, insecure: true });
      assert.deepEqual(none.of('fail'), [failing]);
      assert.match(none.check(failing).measured, /the proxy answered 407/);
      assert.match(none.advice['proxy-login']!, /wants to know who asks .*--proxy http:\/\/USER:PASSWORD@HOST:PORT/);
      const wrong = await diagnose(site, { proxy: `http://ann:wrong@127.0.0.1:${port}`, insecure: true });
      assert.deepEqual(wrong.of('fail'), [failing]);
      assert.match(wrong.advice['proxy-login']!, /does not accept the name and the password/);
    }
  });

  it('names the login of a proxy that it does not know', async (t) => {
    const challenge = 'Negotiate, NTLM, Other realm="a, b c", x=1';
    const { port } = await startForwardProxy(t, 'nothing', challenge);
    const found = await diagnose(program.base, { proxy: `http://ann:secret@127.0.0.1:${port}` });
    assert.match(
      found.advice['proxy-login']!,
      /wants a login by negotiate or ntlm or other .*`authentication` of the client/,
    );
  });

  it('says where an address points to', async (t) => {
    const server = createServer(({ url = '' }, response) => {
      response.writeHead(301, { Location: `https://live.example${url}` }).end();
    });
    const found = await diagnose(`http://127.0.0.1:${await listen(t, server)}/chat`);
    assert.equal(found.check('http').measured, '301: it points elsewhere');
    assert.equal(found.check('websocket').measured, '301 in place of 101: it points elsewhere');
    assert.deepEqual(Object.keys(found.advice), ['redirect']);
    assert.match(found.advice['redirect']!, /to https:\/\/live\.example: give that one to the doctor/);
  });

  for (const status of [502, 503, 504]) {
    it(`says of ${status} that no server answers behind it`, async (t) => {
      const server = createServer((_, response) => void response.writeHead(status, { Server: 'Acme' }).end());
      const found = await diagnose(`http://127.0.0.1:${await listen(t, server)}`);
      assert.deepEqual(found.of('fail'), ['http']);
      assert.equal(found.check('http').measured, `${status} by Acme: no server answers behind it`);
      assert.match(found.advice['no-server-behind']!, /\(Acme\) is a proxy, .* by \d{3} that it gets no answer/);
    });
  }

  it('says that nobody listens, and that a name has no address', async () => {
    const gone = await FaultProxy.start(program.port);
    await gone.close();
    const refused = await diagnose(`ws://127.0.0.1:${gone.port}`);
    assert.deepEqual(refused.of('fail'), ['connection']);
    assert.match(refused.check('connection').measured, /nobody listens there$/);
    assert.match(refused.advice['connection']!, /--host 0\.0\.0\.0/);
    // Never a name that has one (RFC 6761 §6.4).
    const unknown = await diagnose('wss://pulse-beacon.invalid');
    assert.deepEqual(unknown.of('fail'), ['name']);
  });

  it('prints a table without colours into a pipe, as the guide has it', async () => {
    const { code, stdout, stderr } = await runAsIs(commands[0]!);
    assert.equal(stderr, '');
    assert.match(stdout, /^ws:\/\/localhost:\d+\/\n\nforward proxy {8}– {2}none.*\nname {17}✓ {2}localhost: /);
    assert.match(stdout, /\nfragments {12}✓ {2}a message in 62 frames comes back as it went\n/);
    assert.match(stdout, /\nidle WebSocket {7}– {2}--idle 0\n/);
    assert.match(stdout, /\n\nEverything that was tried works\.\n$/);
    assert.equal(code, 0);
  });

  it('prints JSON for scripts, as the guide has it', async () => {
    const { code, stdout } = await runAsIs(commands[1]!);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(report['isPulseBeacon'], true);
    assert.deepEqual(report['advice'], []);
    assert.equal(code, 0);
  });

  const runAsIs = (command: string): Promise<Outcome> =>
    runProgram(command.replace(':8080', `:${program.port}`).split(' ').slice(1));
});

describe('what cannot be', () => {
  it('is said in a sentence, with code 2', async () => {
    const { code, stderr } = await runProgram(['doctor', ':8080', '--idle', '3min']);
    assert.match(stderr, /^pulsebeacon: [^\n]+ Give at most 120s: [^\n]+\n$/);
    assert.equal(code, 2);
  });

  for (const [url, proxy, says] of [
    ['http://user:secret@localhost/', false, /^credentials do not go into the address/],
    ['ftp://localhost/', false, /give one that begins with ws:\/\//],
    [':8080', 'socks5://localhost:1', /^proxy is a proxy of the kind socks5:/],
  ] as const) {
    it(`${url} ${proxy || ''}`, async () => {
      await assert.rejects(diagnose(url, { proxy }), (error) => {
        assert.ok(error instanceof Failure);
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /secret/);
        return error.exitCode === 2;
      });
    });
  }
});

describe('what is wrong with a certificate', () => {
  const shown = {
    subject: { CN: 'live.example.com' },
    issuer: { O: 'Acme' },
    subjectaltname: 'DNS:live.example.com, DNS:example.com',
    valid_from: 'Jan  1 00:00:00 2020 GMT',
    valid_to: 'Jan  1 00:00:00 2021 GMT',
  } as never;
  for (const [code, short, advice] of [
    ['CERT_HAS_EXPIRED', 'the certificate expired on 2021-01-01', /renew it/],
    ['CERT_NOT_YET_VALID', 'the certificate is valid from 2020-01-01 only', /clock/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate is for live.example.com, example.com', /not for host\.test/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'the server does not send the certificate of its issuer, Acme', /fullchain/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'the issuer, Acme, is not known here', /virus scanner/],
    ['CERT_REVOKED', 'the certificate cannot be checked (CERT_REVOKED)', /--insecure/],
  ] as const) {
    it(code, () => {
      const fault = certificateFault(code, 'host.test', shown);
      assert.equal(fault.short, short);
      assert.match(fault.advice, advice);
    });
  }
});
