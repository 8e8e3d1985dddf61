// requires: caddy
// Caddy writes X-Forwarded-* anew: what a client has put there itself is gone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCaddy } from '../support/proxy.ts';
import { handshake, RawClient } from '../support/raw.ts';
import { startServe } from '../support/served.ts';

test('behind Caddy nobody is who they say that they are', async (t) => {
  const served = await startServe(t, '--log-handshakes', '--trusted-proxy', 'loopback');
  const client = await RawClient.connect(t, await startCaddy(t, served.port));
  client.write(handshake('/echo', { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Host': 'evil.example' }));
  assert.match(await client.readUntil('\r\n\r\n'), /^HTTP\/1\.1 101 /);
  const [line] = await served.program.printed(/^\{.*"event":"handshake".*\}$/m);
  const { peer, proxy } = JSON.parse(line) as Record<string, unknown>;
  assert.deepEqual([peer, proxy], ['127.0.0.1', '127.0.0.1']);
});
