import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { Example } from '../support/example.ts';

for (const { file, post, arrives } of [
  { file: 'node.mjs', post: { body: 'a pizza' }, arrives: 'a pizza' },
  { file: 'express.mjs', post: { body: 'a pizza' }, arrives: 'a pizza' },
  {
    file: 'fastify.mjs',
    post: { body: '{"order": "a pizza"}', headers: { 'Content-Type': 'application/json' } },
    arrives: '{"order":"a pizza"}',
  },
]) {
  test(`channels/${file}: what a route publishes is followed by WebSocket, stream and poll on the same port`, async (t) => {
    const example = await Example.start(t, `channels/${file}`);
    const socket = await Client.open(t, example.socket('/live/channels/orders'));
    const stream = await example.get('/live/channels/orders?follow');
    const lines = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    assert.match((await lines.read()).value!, /"subscribed"/);

    const posted = await example.get('/orders', { method: 'POST', ...post });
    assert.equal(posted.status, 202);
    const { position, reach } = (await posted.json()) as { position: string; reach: object };
    assert.deepEqual(reach, { sent: 2, queued: 0, skipped: 0 });
    assert.equal(await socket.next(), arrives);
    assert.match((await lines.read()).value!, new RegExp(position));
    const poll = (await (await example.get('/live/channels/orders?wait=5&since=all')).json()) as { position: string };
    assert.equal(poll.position, position);

    // The application's own routes are as they were, and nobody but the server publishes.
    assert.equal((await example.get('/')).status, 200);
    assert.equal((await example.get('/channels/orders')).status, 404);
    assert.equal((await example.get('/live/channels/orders', { method: 'POST', body: 'x' })).status, 403);

    const [closed] = await Promise.all([socket.closed, example.stop()]);
    assert.equal(closed.code, 1012);
  });
}
