// requires: nginx
// What most people try first: proxy_pass, and nothing else. Then nginx speaks HTTP/1.0 and says nothing of the client.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Program } from '../support/program.ts';
import { startBareNginx } from '../support/proxy.ts';
import { inClone } from '../support/root.ts';
import { type Served, startServe } from '../support/served.ts';
import { followStream, refusesWithoutKey } from './channels-behind-proxy.ts';

describe('behind nginx with proxy_pass alone', () => {
  const ends: (() => unknown)[] = [];
  let served: Served;
  let base: string;
  before(async () => {
    const scope = { after: (end: () => unknown) => void ends.unshift(end) };
    served = await startServe(scope);
    base = `http://127.0.0.1:${await startBareNginx(scope, served.port)}`;
  });
  after(async () => {
    for (const end of ends) await end();
  });

  test('whoever publishes without a key is refused, and told what to do', async () => {
    await refusesWithoutKey(`${base}/channels/refused`);
    const metrics = await fetch(`${base}/metrics`);
    assert.equal(metrics.status, 401);
  });

  for (const form of ['sse', 'ndjson']) {
    test(`${form} is not held back: X-Accel-Buffering says so`, async (t) => {
      const stream = await followStream(t, `${base}/channels/open?follow&as=${form}`);
      assert.equal((await stream.next()).type, 'subscribed');
      const headers = { Authorization: `Bearer ${served.key}` };
      const answer = await fetch(`${base}/channels/open`, { method: 'POST', body: 'hello', headers });
      assert.equal(answer.status, 201);
      assert.equal((await stream.publication()).data, 'hello');
      stream.end();
    });
  }

  test('a WebSocket handshake is refused with what the proxy lacks', async () => {
    const headers = { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version': '13' };
    const answer = await fetch(`${base}/channels/open`, { headers });
    assert.ok(answer.status === 400 || answer.status === 426, String(answer.status));
    const { code, detail } = (await answer.json()) as { code: string; detail: string };
    assert.match(code, /^PB_HANDSHAKE_/);
    assert.match(detail, /upgrade|proxy|HTTP/i);
  });

  test('pulsebeacon subscribe says which transports go through, and they do', async (t) => {
    const follow = (...more: string[]): Program => {
      const args = ['subscribe', 'open', '--server', base, '--since', 'all', ...more];
      return new Program(t, process.execPath, [inClone('packages/gateway/bin/pulsebeacon.js'), ...args]);
    };
    const { code, stderr } = await follow().exit;
    assert.equal(code, 4);
    assert.match(
      stderr,
      /a proxy on the way may have to be told .*\nhint: --transport sse, ndjson and poll go through/,
    );
    await fetch(`${base}/channels/open`, {
      method: 'POST',
      body: 'hello',
      headers: { Authorization: `Bearer ${served.key}` },
    });
    for (const transport of ['sse', 'ndjson', 'poll']) {
      const { stdout } = await follow('--transport', transport, '--count', '1', '--quiet').exit;
      assert.equal(stdout, 'hello\n');
    }
  });
});
