import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, refusal } from '../support/client.ts';
import { Example } from '../support/example.ts';

test('chat/server.mjs: rooms by path, and who is where', async (t) => {
  const example = await Example.start(t, 'chat/server.mjs');
  const page = await example.get('/');
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(await page.text(), /<title>Rooms<\/title>/);

  const directory = await Client.open(t, example.socket('/rooms'));
  assert.deepEqual(await directory.nextJson(), {});
  const ada = await Client.open(t, example.socket('/rooms/tea?name=Ada'));
  assert.deepEqual(await ada.nextJson(), { from: 'Ada', event: 'joined' });
  assert.deepEqual(await directory.nextJson(), { tea: 1 });
  const grace = await Client.open(t, example.socket('/rooms/tea?name=Grace%20H.'));
  for (const client of [ada, grace]) assert.deepEqual(await client.nextJson(), { from: 'Grace H.', event: 'joined' });
  const alan = await Client.open(t, example.socket('/rooms/caf%C3%A9?name=Alan'));
  assert.deepEqual(await alan.nextJson(), { from: 'Alan', event: 'joined' });
  assert.deepEqual(await directory.nextJson(), { tea: 2 });
  assert.deepEqual(await directory.nextJson(), { tea: 2, café: 1 });

  ada.send('hello, tea');
  for (const client of [ada, grace]) assert.deepEqual(await client.nextJson(), { from: 'Ada', text: 'hello, tea' });
  alan.send('hello, café');
  // The first thing that Alan hears after joining is himself: the other room was not his.
  assert.deepEqual(await alan.nextJson(), { from: 'Alan', text: 'hello, café' });

  await alan.close();
  assert.deepEqual(await directory.nextJson(), { tea: 2 });
  grace.send(Buffer.from('bytes'));
  assert.deepEqual(await grace.closed, { code: 1003, reason: 'this room speaks text' });
  assert.deepEqual(await ada.nextJson(), { from: 'Grace H.', event: 'left' });

  const nameless = await refusal(example.socket('/rooms/tea'));
  assert.equal(nameless.status, 400);
  assert.match(nameless.body, /say who you are/);
  assert.equal((await refusal(example.socket('/nowhere'))).status, 404);

  await example.stop();
  for (const client of [ada, directory]) assert.equal((await client.closed).code, 1001);
});
