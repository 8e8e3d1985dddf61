import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { Example } from '../support/example.ts';

interface Framework {
  readonly file: string;
  readonly post: RequestInit;
  readonly arrives: string;
}

const FRAMEWORKS: readonly Framework[] = [
  { file: 'express.mjs', post: { body: 'hello' }, arrives: 'hello' },
  { file: 'hono.mjs', post: { body: 'hello' }, arrives: 'hello' },
  {
    file: 'fastify.mjs',
    post: { body: '{"text": "hello"}', headers: { 'Content-Type': 'application/json' } },
    arrives: '{"text":"hello"}',
  },
];

for (const { file, post, arrives } of FRAMEWORKS) {
  test(`${file}: a route sends to every WebSocket on the same port`, async (t) => {
    const example = await Example.start(t, file);
    assert.deepEqual(await (await example.get('/')).json(), { websocket: '/live', connected: 0 });
    const clients = await Promise.all([1, 2].map(() => Client.open(t, example.socket('/live'))));
    assert.deepEqual(await (await example.get('/')).json(), { websocket: '/live', connected: 2 });

    const posted = await example.get('/news', { method: 'POST', ...post });
    assert.equal(posted.status, 202);
    assert.deepEqual(await posted.json(), { sent: 2 });
    for (const client of clients) assert.equal(await client.next(), arrives);
    assert.equal((await example.get('/nowhere')).status, 404);

    await example.stop();
    for (const client of clients) assert.equal((await client.closed).code, 1001);
  });
}

test('koa.mjs: a WebSocket sees what the application serves', async (t) => {
  const example = await Example.start(t, 'koa.mjs');
  const client = await Client.open(t, example.socket('/requests'));
  assert.deepEqual(await (await example.get('/')).json(), { websocket: '/requests', connected: 1 });
  const { took, ...seen } = await client.nextJson();
  assert.deepEqual(seen, { method: 'GET', path: '/', status: 200 });
  assert.equal(typeof took, 'number');
  assert.equal((await example.get('/nowhere')).status, 404);
  assert.equal((await client.nextJson())['status'], 404);
  await example.stop();
  assert.equal((await client.closed).code, 1001);
});
