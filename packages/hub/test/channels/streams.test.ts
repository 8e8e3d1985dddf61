import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestEventSource } from '../support/event-source.ts';
import { OPEN, Site } from '../support/site.ts';
import { leaveAtAnyPoint, RawHttp } from '../support/raw-http.ts';
import { SlowReader } from '../support/slow-reader.ts';
import { Stream } from '../support/stream.ts';

const url = (site: Site, query: string): string => `${site.url}/channels/news${query}`;

test('follow: one JSON object a line, from now on', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'before');
  const stream = await Stream.open(t, url(site, '?follow'));
  assert.equal(stream.headers['content-type'], 'application/x-ndjson');
  assert.equal(stream.headers['cache-control'], 'no-store, no-transform');
  assert.equal(stream.headers['x-accel-buffering'], 'no');
  const first = await stream.json();
  assert.deepEqual([first['type'], first['recovered']], ['subscribed', true]);
  assert.match(first['position'] as string, /\.1$/);
  await site.post('/channels/news', 'after\nwards');
  const second = await stream.json();
  assert.deepEqual([second['type'], second['data']], ['publication', 'after\nwards']);
  stream.close();
  await site.connected(0);
  assert.deepEqual(site.hub.counts().byTransport.ndjson, 0);
  assert.equal(site.hub.counts().subscriptions, 0);
  assert.equal(site.hub.counts().channels, 0);
});

for (const [name, query, headers, type] of [
  ['Accept', '', { Accept: 'application/x-ndjson' }, 'application/x-ndjson'],
  ['as', '?as=ndjson', { Accept: 'text/html' }, 'application/x-ndjson'],
  ['follow in a browser', '?follow', { Accept: 'text/html,*/*;q=0.8' }, 'application/x-ndjson'],
  ['follow by an EventSource', '?follow', { Accept: 'text/event-stream' }, 'text/event-stream'],
  ['follow as text', '?follow&as=text', {}, 'text/plain; charset=utf-8'],
  ['an EventSource', '', { Accept: 'text/event-stream' }, 'text/event-stream'],
] as const) {
  test(`${name}: ${type}`, async (t) => {
    const site = await Site.start(t);
    const stream = await Stream.open(t, url(site, query), headers);
    assert.equal(stream.headers['content-type'], type);
    stream.close();
    await site.connected(0);
  });
}

test('as text: payloads alone, binary ones in base64', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'one');
  const stream = await Stream.open(t, url(site, '?follow&as=text&since=all'));
  assert.equal(await stream.until('\n'), 'one');
  await site.post('/channels/news', Buffer.of(0, 255));
  assert.equal(await stream.until('\n'), 'AP8=');
});

test('a stock EventSource recovers by itself, from the first moment on', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'before');
  const source = await TestEventSource.open(t, url(site, ''));
  assert.equal((await source.any()).event, 'subscribed');
  assert.equal(source.retry, 2000);
  assert.match(source.lastEventId, /\.1$/);
  source.stream.close();
  await site.connected(0);
  // It has seen no publication yet, and still misses none.
  await site.post('/channels/news', 'missed');
  await source.reconnect();
  assert.equal((await source.message())['data'], 'missed');
  for (let round = 0; round < 3; round++) {
    source.stream.close();
    await site.connected(0);
    for (const word of ['a', 'b']) await site.post('/channels/news', `${word}${round}`);
    await source.reconnect();
    await site.post('/channels/news', `c${round}`);
    for (const word of ['a', 'b', 'c']) assert.equal((await source.message())['data'], `${word}${round}`);
  }
  assert.equal(site.hub.counts().recovered, 4);
});

test('Last-Event-ID wins over since, and what cannot be recovered is told with the current state', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'state');
  const stream = await Stream.open(t, url(site, '?follow&since=all'), { 'Last-Event-ID': 'elsewhere.7' });
  const subscribed = await stream.json();
  assert.equal(subscribed['recovered'], false);
  assert.equal((subscribed['state'] as Record<string, unknown>)['data'], 'state');
});

for (const text of ['a\rb', 'a\nb', 'a\r\nb', 'data: x\n\nevent: y', '\0', ':', ' id: 7', '']) {
  test(`an event carries ${JSON.stringify(text)} and nothing else`, async (t) => {
    const site = await Site.start(t);
    const source = await TestEventSource.open(t, url(site, ''));
    await source.any();
    await site.hub.channel('news').publish(text);
    const { event, data, lastEventId } = await source.any();
    assert.equal(event, 'message');
    assert.equal((JSON.parse(data) as Record<string, unknown>)['data'], text);
    assert.match(lastEventId, /\.1$/);
  });
}

test('keep-alive: comments for an EventSource, heartbeats in ndjson', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { keepAlive: 40 } });
  const lines = await Stream.open(t, url(site, '?follow'));
  await lines.json();
  assert.equal((await lines.json())['type'], 'heartbeat');
  const events = await Stream.open(t, url(site, '?as=sse'));
  await events.until('\n\n');
  assert.equal(await events.until('\n\n'), ': keep-alive');
});

test('HTTP/1.0 is served, without chunks, to the end of the connection', async (t) => {
  const site = await Site.start(t);
  const client = await RawHttp.connect(t, site.port);
  client.send(['GET /channels/news?follow HTTP/1.0', 'Host: x']);
  assert.doesNotMatch(await client.until('\r\n\r\n'), /chunked/i);
  assert.match(await client.until('\n'), /^\{"type":"subscribed"/);
  client.socket.destroy();
  await site.connected(0);
});

test('drained, each stream says why and when to come back, and ends', async (t) => {
  const site = await Site.start(t);
  const lines = await Stream.open(t, url(site, '?follow'));
  const source = await TestEventSource.open(t, url(site, ''));
  await lines.json();
  await source.any();
  await site.hub.drain(0);
  const bye = await lines.json();
  assert.deepEqual([bye['type'], bye['code'], bye['retry']], ['bye', 'PB_HUB_DRAINING', true]);
  assert.equal(await lines.rest(), '');
  assert.equal((await source.any()).event, 'bye');
  assert.ok(source.retry! >= 1000 && source.retry! <= 2000, String(source.retry));
  assert.equal((await site.fetch('/channels/news?follow')).status, 503);
  await site.connected(0);
});

test('a client that does not read is closed, while others are served', async (t) => {
  let isSlow = false;
  const limits = { maxQueuedBytes: 200_000, writeTimeout: 60_000 };
  const site = await Site.start(t, { ...OPEN, limits, hooks: { limited: () => (isSlow = true) } });
  const healthy = await Stream.open(t, url(site, '?follow'));
  await healthy.json();
  const slow = await SlowReader.connect(t, site.port, ['GET /channels/news?follow HTTP/1.1', 'Host: x']);
  await site.connected(2);
  let published = 0;
  for (; !isSlow; published++) {
    await site.hub.channel('news').publish('x'.repeat(50_000));
    await new Promise(setImmediate);
  }
  for (let i = 0; i < published; i++) assert.equal((await healthy.json())['type'], 'publication');
  await slow.readTo(Buffer.from('"code":"PB_SLOW_SUBSCRIBER"'));
  await site.connected(1);
  assert.equal(site.hub.congested.size, 0);
});

test('a broker that fails: 503 before the stream begins, and its end afterwards', async (t) => {
  const site = await Site.start(t);
  const stream = await Stream.open(t, url(site, '?follow'));
  await stream.json();
  site.hub.broker.history = () => Promise.reject(new Error('the disk is gone'));
  const refused = await site.fetch('/channels/news?as=sse');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('content-type'), 'application/problem+json');
  // A gap makes the subscription read the history, which fails.
  for (const channel of site.hub.activeChannels) channel.gap();
  const bye = await stream.json();
  assert.deepEqual([bye['type'], bye['code']], ['bye', 'PB_BROKER_FAILED']);
  await stream.rest();
  await site.connected(0);
});

test('as many clients as there may be, and no more: 503', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { maxClients: 1 } });
  const stream = await Stream.open(t, url(site, '?follow'));
  await stream.json();
  for (const query of ['?follow', '?as=sse', '?wait=1']) {
    const refused = await site.fetch(`/channels/news${query}`);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5']);
  }
  await assert.rejects(site.socket('/channels/news'), { status: 503, retryAfter: 5 });
  assert.equal((await site.fetch('/channels/news')).status, 200);
});

test('clients that go away at any point of their request leave nothing behind', async (t) => {
  const site = await Site.start(t);
  const request = 'GET /channels/news?follow&since=all HTTP/1.1\r\nHost: x\r\n\r\n';
  await leaveAtAnyPoint(t, site.port, request, 'subscribed');
  await site.connected(0);
  const { open, subscriptions, channels } = site.hub.counts();
  assert.deepEqual([open, subscriptions, channels], [0, 0, 0]);
});
