// /client.js: the client library, for pages of everywhere.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ask } from './support/http.ts';
import { Program } from './support/program.ts';

describe('/client.js', () => {
  let program: Program;
  before(async () => (program = await Program.start([])));
  after(() => program?.stop());

  it('is the module that the package ships, without the reference to its map', async () => {
    const { status, headers, text } = await ask(`${program.base}/client.js`);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/javascript; charset=utf-8');
    assert.equal(Number(headers['content-length']), Buffer.byteLength(text));
    const shipped = await readFile(fileURLToPath(import.meta.resolve('@pulsebeacon/client')), 'utf8');
    assert(shipped.startsWith(text.trimEnd()));
    assert.doesNotMatch(text, /sourceMappingURL/);
    const module = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as object;
    assert.deepEqual(Object.keys(module), ['Beacon', 'BeaconError', 'Channel']);
  });

  it('has the WebSocket class beside it, which imports it from there', async () => {
    const { status, text } = await ask(`${program.base}/client-websocket.js`);
    assert.equal(status, 200);
    assert.match(text, /from"\.\/client\.js"/);
    assert.match(text, /export\{\w+ as BeaconWebSocket/);
  });

  it('may be loaded by pages of other origins, isolated ones too', async () => {
    const headers = { Origin: 'https://elsewhere.example' };
    const answer = await ask(`${program.base}/client.js`, { headers });
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(answer.headers['cross-origin-resource-policy'], 'cross-origin');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  });

  it('is kept by caches, and asked for again', async () => {
    const { headers } = await ask(`${program.base}/client.js`);
    assert.equal(headers['cache-control'], 'no-cache');
    const again = await ask(`${program.base}/client.js`, { headers: { 'If-None-Match': headers['etag']! } });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
  });

  it('has HEAD, and nothing else', async () => {
    const head = await ask(`${program.base}/client.js`, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    assert.equal((await ask(`${program.base}/client.js`, { method: 'POST' })).status, 405);
  });
});
