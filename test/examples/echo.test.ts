import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { Example } from '../support/example.ts';

test('echo.mjs: a page and a WebSocket on one port', async (t) => {
  const example = await Example.start(t, 'echo.mjs');
  const client = await Client.open(t, example.socket('/echo'));
  assert.equal(await client.ask('grüß dich'), 'grüß dich');
  assert.deepEqual(await client.ask(Buffer.of(0, 255)), Buffer.of(0, 255));

  const page = await example.get('/');
  assert.equal(page.status, 200);
  assert.match(await page.text(), /Connected now: 1\n$/);
  const notAPage = await example.get('/echo');
  assert.equal(notAPage.status, 426);
  assert.equal(notAPage.headers.get('content-type'), 'application/problem+json');
  await notAPage.text();

  const [closed] = await Promise.all([client.closed, example.stop()]);
  assert.equal(closed.code, 1001);
});
