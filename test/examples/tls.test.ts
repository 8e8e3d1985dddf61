// requires: openssl
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { connect } from '@pulsebeacon/websocket';
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

test('fastify-http2.mjs: pages and WebSockets by both versions of HTTP, and the app ends', async (t) => {
  const { certFile, keyFile } = await makeCertificate(await temporaryFolder(t));
  const example = await Example.start(t, 'fastify-http2.mjs', { TLS_CERT: certFile, TLS_KEY: keyFile });
  const ca = await readFile(certFile, 'utf8');
  const open = (httpVersion: '1.1' | '2'): { said: Promise<unknown>; closed: Promise<number> } => {
    let close!: (code: number) => void;
    const closed = new Promise<number>((resolve) => (close = resolve));
    const said = new Promise((resolve, reject) => {
      connect(example.socket('/live'), {
        httpVersion,
        tls: { ca },
        message: (_, data) => resolve(data),
        close: (_, code) => close(code),
      }).catch(reject);
    });
    return { said, closed };
  };
  const connections = [open('1.1'), open('2')];
  assert.deepEqual(
    await Promise.all(connections.map(({ said }) => said)),
    ['1.1', '2'].map((version) => `this WebSocket goes over HTTP/${version}`),
  );
  const websockets = { 1.1: 1, 2: 1 };
  assert.deepEqual(JSON.parse((await getPage(`${example.url}/`, ca)).body), { page: '1.1', websockets });
  // It stays open: a browser would not leave either.
  const session = connectHttp2(example.url, { ca });
  t.after(() => session.destroy());
  assert.deepEqual(JSON.parse(await text(session.request({ ':path': '/' }))), { page: '2.0', websockets });
  await example.stop();
  assert.deepEqual(await Promise.all(connections.map(({ closed }) => closed)), [1001, 1001]);
});
