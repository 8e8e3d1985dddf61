import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPEN, problemOf, Site } from '../support/site.ts';
import { Stream } from '../support/stream.ts';

interface Answer {
  readonly channel: string;
  readonly position: string;
  readonly recovered: boolean;
  readonly state?: { readonly data: unknown } | null;
  readonly publications: readonly { readonly data: unknown; readonly position: string }[];
}

const dataOf = (answer: Answer): unknown[] => answer.publications.map(({ data }) => data);
const poll = (site: Site, query: string, init?: RequestInit): Promise<Response> =>
  site.fetch(`/channels/news${query}`, init);

test('a poll waits for the next publication', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'before');
  const waiting = poll(site, '?wait=20');
  await site.connected(1);
  await site.post('/channels/news', 'now');
  const response = await waiting;
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.equal(response.headers.get('preference-applied'), null);
  const answer = (await response.json()) as Answer;
  assert.deepEqual([answer.channel, answer.recovered, dataOf(answer)], ['news', true, ['now']]);
  assert.equal(answer.position, answer.publications[0]!.position);
  assert.equal(response.headers.get('pulse-position'), answer.position);
  assert.match(response.headers.get('link')!, new RegExp(`<\\?since=${answer.position}&wait=20>; rel="next"`));
  await site.connected(0);
  assert.equal(site.hub.counts().subscriptions, 0);
});

test('at the deadline: 204 with the position, from which nothing is missed', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'before');
  const nothing = await poll(site, '?wait=0');
  assert.equal(nothing.status, 204);
  assert.equal(nothing.headers.get('content-length'), null);
  const position = nothing.headers.get('pulse-position')!;
  await site.post('/channels/news', 'between');
  const answer = (await (await poll(site, `?wait=20&since=${position}`)).json()) as Answer;
  assert.deepEqual(dataOf(answer), ['between']);
});

test('a wait ends when its time is over', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { maxWait: 30 } });
  const at = performance.now();
  const response = await poll(site, '?wait=1000');
  assert.equal(response.status, 204);
  assert.ok(performance.now() - at >= 29);
});

test('Prefer: wait, and what was applied (RFC 7240)', async (t) => {
  const site = await Site.start(t);
  const prefer = (value: string, query = ''): Promise<Response> => poll(site, query, { headers: { Prefer: value } });
  const none = await prefer('respond-async, wait=0; x=y');
  assert.deepEqual([none.status, none.headers.get('preference-applied')], [204, 'wait=0']);
  await site.post('/channels/news', 'one');
  const capped = await prefer('wait=100', '?since=all');
  assert.deepEqual([capped.status, capped.headers.get('preference-applied')], [200, 'wait=25']);
  // A preference that cannot be read is none, and only JSON waits.
  const history = await prefer('wait=soon');
  assert.deepEqual([history.status, history.headers.get('preference-applied')], [200, null]);
  assert.ok(history.headers.has('etag'));
});

test('polls one after the other miss nothing and repeat nothing, whatever comes between', async (t) => {
  const site = await Site.start(t);
  const total = 300;
  const publishing = (async () => {
    for (let i = 0; i < total; i++) await site.hub.channel('news').publish(String(i));
  })();
  const seen: unknown[] = [];
  let query = '?wait=20&since=all';
  while (seen.length < total) {
    const response = await poll(site, query);
    const answer = (await response.json()) as Answer;
    assert.equal(answer.recovered, true);
    seen.push(...dataOf(answer));
    query = `?wait=20&since=${answer.position}`;
  }
  await publishing;
  assert.deepEqual(
    seen,
    Array.from({ length: total }, (_, i) => String(i)),
  );
});

test('an answer has so many bytes, or publications, and the next one goes on', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { sendHighWaterMark: 1000 } });
  for (let i = 0; i < 10; i++) await site.hub.channel('news').publish(`${i}${'x'.repeat(300)}`);
  const first = (await (await poll(site, '?wait=1&since=all')).json()) as Answer;
  assert.ok(first.publications.length > 1 && first.publications.length < 5);
  const two = (await (await poll(site, `?wait=1&limit=2&since=${first.position}`)).json()) as Answer;
  assert.equal(two.publications.length, 2);
  assert.equal(String(two.publications[0]!.data)[0], String(first.publications.length));
});

test('what cannot be recovered is told at once, with the current state', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'state');
  const answer = (await (await poll(site, '?wait=20&since=elsewhere.5')).json()) as Answer;
  assert.deepEqual([answer.recovered, answer.state!.data, answer.publications], [false, 'state', []]);
  const next = (await poll(site, `?wait=0&since=${answer.position}`)).status;
  assert.equal(next, 204);
});

test('a client that goes away while it waits leaves nothing behind', async (t) => {
  const site = await Site.start(t);
  const abort = new AbortController();
  const waiting = poll(site, '?wait=20', { signal: abort.signal });
  await site.connected(1);
  abort.abort();
  await assert.rejects(waiting);
  await site.connected(0);
  const { subscriptions, channels } = site.hub.counts();
  assert.deepEqual([subscriptions, channels], [0, 0]);
});

test('drained: 503 with Retry-After, and the position to come back with', async (t) => {
  const site = await Site.start(t);
  const waiting = poll(site, '?wait=20');
  await site.connected(1);
  await site.hub.drain(0);
  const response = await waiting;
  assert.equal(response.status, 503);
  assert.match(response.headers.get('retry-after')!, /^[12]$/);
  assert.match(response.headers.get('pulse-position')!, /\.0$/);
  assert.equal((await problemOf(response))['code'], 'PB_HUB_DRAINING');
});

test('a browser that asks for a wait gets it, though it would rather have a page', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'one');
  const stream = await Stream.open(t, `${site.url}/channels/news?wait=1&since=all`, { Accept: 'text/html' });
  assert.equal(stream.headers['content-type'], 'application/json');
});

test('a state in JSON arrives as it was published, numbers that no double holds too', async (t) => {
  const site = await Site.start(t);
  const json = '{"big":12345678901234567890,  "x":",\\"state\\":"}';
  await site.post('/channels/news', json, { 'Content-Type': 'application/json' });
  for (const query of ['?wait=1&since=elsewhere.5', '?as=sse&since=elsewhere.5', '?follow&since=elsewhere.5']) {
    const stream = await Stream.open(t, `${site.url}/channels/news${query}`);
    assert.ok((await stream.until('}}')).endsWith(`"data":${json.slice(0, -1)}`), query);
  }
});
