// requires: haproxy, apache, caddy, squid, openssl
// What pulsebeacon doctor says of proxies that others wrote, as they should be and as they often are.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ACCOUNT } from '../support/accounts.ts';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryFolder } from '../support/cleanup.ts';
import { Program } from '../support/program.ts';
import { apache, type CertificateFiles, startCaddy, startHaproxy } from '../support/proxy.ts';
import { inClone } from '../support/root.ts';
import { startServe } from '../support/served.ts';
import { startSquid } from '../support/squid.ts';

const BIN = inClone('packages/gateway/bin/pulsebeacon.js');

describe('the doctor', { concurrency: 3 }, () => {
  const ends: (() => unknown)[] = [];
  const scope = { after: (end: () => unknown) => void ends.unshift(end) };
  let upstream: number;
  let tls: CertificateFiles;
  before(async () => {
    tls = await makeCertificate(await temporaryFolder(scope));
    upstream = (await startServe(scope)).port;
  });
  after(async () => {
    for (const end of ends) await end();
  });

  /** What it says on one line, and with what it ends. */
  async function diagnose(
    url: string,
    ...more: string[]
  ): Promise<{ readonly code: number | null; readonly said: string }> {
    const args = ['doctor', url, '--idle', '200ms', ...more];
    const { code, stdout, stderr } = await new Program(scope, process.execPath, [BIN, ...args]).exit;
    return { code, said: `${stdout}${stderr}`.replaceAll(/\s+/g, ' ') };
  }

  test('finds nothing behind HAProxy as it ships, over TLS and HTTP/2', async () => {
    const port = await startHaproxy(scope, upstream, { tls });
    const { code, said } = await diagnose(`https://localhost:${port}`, '--no-proxy', '--ca', tls.certFile);
    assert.match(said, / TLS ✓ TLS 1\.3, HTTP\/2, certificate of /);
    assert.match(said, /arrives as HTTP\/1\.1 through x-forwarded-for: 127\.0\.0\.1 /i);
    assert.match(said, / WebSocket, HTTP\/2 ✓ open in /);
    assert.match(said, / Everything that was tried works\. $/);
    assert.equal(code, 0);
  });

  test('says that no server answers behind HAProxy', async () => {
    const port = await startHaproxy(scope, 1);
    const { code, said } = await diagnose(`http://127.0.0.1:${port}`, '--no-proxy');
    assert.match(said, / HTTP request ✗ 503: no server answers behind it WebSocket, HTTP\/1\.1 – not reached /);
    assert.match(said, / gets no answer from the server behind it: see that the server runs, .*HAProxy: server/);
    assert.equal(code, 1);
  });

  test('says that pages are refused where Apache does not pass Host on, though programs get through', async () => {
    const site = (): string => `ProxyPass "/" "http://127.0.0.1:${upstream}/" upgrade=websocket`;
    const port = await apache(scope, ['proxy', 'proxy_http'], site);
    const { code, said } = await diagnose(`http://127.0.0.1:${port}`, '--no-proxy');
    assert.match(said, / WebSocket, HTTP\/1\.1 ✓ /);
    assert.match(said, / WebSocket of a page ✗ 403: one of http:\/\/127\.0\.0\.1:\d+ may not open it /);
    assert.ok(said.includes(` arrives as 127.0.0.1:${upstream}, `), said);
    assert.match(said, /\(Apache: ProxyPreserveHost On\), or start the server with --public-url http:/);
    assert.match(said, / One thing does not work\. $/);
    assert.equal(code, 1);
  });

  test('says what Apache lacks with ProxyPass alone, and of no other', async () => {
    const port = await apache(scope, ['proxy', 'proxy_http'], () => `ProxyPass "/" "http://127.0.0.1:${upstream}/"`);
    const { code, said } = await diagnose(`http://127.0.0.1:${port}`, '--no-proxy');
    assert.match(said, / WebSocket, HTTP\/1\.1 ✗ 426: the server saw no Upgrade /);
    assert.match(
      said,
      / Apache: ProxyPass "\/" "http:\/\/…\/" upgrade=websocket, with mod_proxy_http \(2\.4\.47 and later\), and ProxyPreserveHost On\./,
    );
    assert.doesNotMatch(said, /HAProxy|nginx|Caddy/);
    assert.match(said, / Server-Sent Events ✓ .* ndjson stream ✓ .* long poll ✓ .* idle stream ✓ /);
    assert.equal(code, 1);
  });

  test('finds nothing behind Caddy as it ships', async () => {
    const { code, said } = await diagnose(`http://127.0.0.1:${await startCaddy(scope, upstream)}`, '--no-proxy');
    assert.match(said, /through .*Caddy/);
    assert.match(said, / Everything that was tried works\. $/);
    assert.equal(code, 0);
  });

  test('goes through squid with the password, and says what it wants without', async () => {
    const [basic, digest] = await Promise.all([startSquid(scope, ['basic']), startSquid(scope, ['digest'])]);
    const login = `${ACCOUNT.username}:${encodeURIComponent(ACCOUNT.password)}`;
    const url = `http://127.0.0.1:${upstream}`;
    for (const port of [basic, digest]) {
      const allowed = await diagnose(url, '--proxy', `http://${login}@127.0.0.1:${port}`);
      assert.match(allowed.said, / forward proxy ✓ http:\/\/127\.0\.0\.1:\d+ \(--proxy\) /);
      assert.match(allowed.said, /through .*squid/);
      assert.match(allowed.said, / Everything that was tried works\. $/);
      assert.equal(allowed.code, 0);
    }
    const none = await diagnose(url, '--proxy', `http://127.0.0.1:${basic}`);
    assert.match(none.said, / HTTP request ✗ the proxy answered 407 .* wants to know who asks \(407\)/);
    const wrong = await diagnose(url, '--proxy', `http://Mufasa:wrong@127.0.0.1:${digest}`);
    assert.match(wrong.said, / does not accept the name and the password that it was given \(407\)/);
    for (const { code, said } of [none, wrong]) assert.equal(code, 1, said);
  });
});
