// requires: openssl
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { makeCertificate } from '../support/certificate.ts';
import { Client } from '../support/client.ts';
import { Example } from '../support/example.ts';

async function getPage(url: string, ca: string): Promise<{ status: number | undefined; body: string }> {
  const outgoing = request(url, { ca, agent: false }).end();
  const [response] = await once(outgoing, 'response');
  return { status: response.statusCode, body: await text(response) };
}

test('tls.mjs: https and wss on one port, with a certificate that clients check', async (t) => {
  const { certFile, keyFile } = await makeCertificate(await temporaryFolder(t));
  const example = await Example.start(t, 'tls.mjs', { TLS_CERT: certFile, TLS_KEY: keyFile });
  const ca = await readFile(certFile, 'utf8');
  assert.deepEqual(await getPage(`${example.url}/`, ca), {
    status: 200,
    body: 'The WebSocket is at /echo, by wss:.\n',
  });

  const client = await Client.open(t, example.socket('/echo'), { ca, origin: example.url });
  assert.match(client.socket.url, /^wss:/);
  assert.equal(await client.ask('over TLS'), 'over TLS');
  const [closed] = await Promise.all([client.closed, example.stop()]);
  assert.equal(closed.code, 1001);
});

test('tls.mjs: makes a certificate where none is given', async (t) => {
  const example = await Example.start(t, 'tls.mjs', { TLS_CERT: '', TLS_KEY: '' });
  const client = await Client.open(t, example.socket('/echo'), { rejectUnauthorized: false });
  assert.equal(await client.ask('hello'), 'hello');
  assert.deepEqual(await client.close(), { code: 1000, reason: '' });
  await example.stop();
});
