// requires: nginx
// What pulsebeacon doctor says of nginx, as most people have it first, and as it is to be.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Exit, Program } from '../support/program.ts';
import { startBareNginx, startNginx } from '../support/proxy.ts';
import { inClone } from '../support/root.ts';
import { startServe } from '../support/served.ts';

const BIN = inClone('packages/gateway/bin/pulsebeacon.js');

describe('the doctor', { concurrency: true }, () => {
  const ends: (() => unknown)[] = [];
  const scope = { after: (end: () => unknown) => void ends.unshift(end) };
  let upstream: number;
  before(async () => {
    upstream = (await startServe(scope)).port;
  });
  after(async () => {
    for (const end of ends) await end();
  });

  const diagnose = (port: number, ...more: string[]): Promise<Exit> =>
    new Program(scope, process.execPath, [BIN, 'doctor', `http://127.0.0.1:${port}`, '--no-proxy', ...more]).exit;

  test('says what proxy_pass alone lacks, and that streams pass it', async () => {
    const { code, stdout } = await diagnose(await startBareNginx(scope, upstream), '--idle', '200ms');
    const said = stdout.replaceAll(/\s+/g, ' ');
    assert.match(said, /HTTP request ! \S+ \S+ round trip; arrives as HTTP\/1\.0 through nginx/);
    assert.match(said, /WebSocket, HTTP\/1\.1 ✗ 4\d\d: the server saw no Upgrade/);
    assert.match(said, /The request arrived as HTTP\/1\.0.* nginx: proxy_http_version 1\.1; proxy_set_header Upgrade/);
    // It has given its name away: the others are of no interest.
    assert.doesNotMatch(said, /HAProxy|Apache|Caddy/);
    assert.match(said, /Server-Sent Events ✓ .* ndjson stream ✓ .* long poll ✓ .* idle stream ✓ /);
    assert.match(said, / One thing does not work\. $/);
    assert.equal(code, 1);
  });

  test('finds what proxy_read_timeout cuts, and that pings help', async () => {
    const port = await startNginx(scope, upstream, { idle: '1s' });
    const { code, stdout } = await diagnose(port, '--idle', '1600ms');
    const said = stdout.replaceAll(/\s+/g, ' ');
    assert.match(said, /through X-Forwarded-For: 127\.0\.0\.1, nginx/);
    assert.match(said, /long poll ✗ answered with 504 after 1(\.\d)? s/);
    assert.match(said, /idle WebSocket ! cut after 1(\.\d)? s/);
    assert.match(said, /idle, with pings ✓ lives after 1\.6 s, with a ping every 400 ms/);
    assert.match(said, /idle stream ✗ cut after 1(\.\d)? s/);
    assert.match(said, /Pings keep it alive: .* nginx: proxy_read_timeout/);
    assert.equal(code, 1);
  });
});
