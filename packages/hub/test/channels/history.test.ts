import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPEN, problemOf, Site } from '../support/site.ts';
import { RawHttp } from '../support/raw-http.ts';

interface Page {
  readonly channel: string;
  readonly position: string;
  readonly complete: boolean;
  readonly more: boolean;
  readonly publications: readonly { readonly position: string; readonly data: unknown; readonly contentType: string }[];
}

const read = async (site: Site, query = ''): Promise<Page> =>
  (await (await site.fetch(`/channels/news${query}`)).json()) as Page;
const dataOf = (page: Page): unknown[] => page.publications.map(({ data }) => data);

test('the history is JSON, says where its reader is, and what leads on', async (t) => {
  const site = await Site.start(t);
  const empty = await read(site);
  assert.deepEqual([empty.channel, empty.complete, empty.more, empty.publications], ['news', true, false, []]);
  assert.match(empty.position, /^[\w-]+\.0$/);
  await site.post('/channels/news', 'one');
  await site.post('/channels/news', '{"two":2}', { 'Content-Type': 'application/json' });
  await site.post('/channels/news', Buffer.of(0, 255), { 'Content-Type': 'application/octet-stream' });
  const response = await site.fetch('/channels/news');
  const page = (await response.json()) as Page;
  assert.deepEqual(dataOf(page), ['one', { two: 2 }, 'AP8=']);
  assert.equal(page.position, page.publications[2]!.position);
  assert.equal(response.headers.get('pulse-position'), page.position);
  const link = response.headers.get('link')!;
  assert.ok(link.includes('<?follow>; rel="alternate"; type="application/x-ndjson"'));
  assert.ok(link.includes('<?as=sse>; rel="alternate"; type="text/event-stream"'));
  assert.ok(link.includes(`<?since=${page.position}&wait=25>; rel="next"`));
  assert.equal(response.headers.get('vary'), 'Origin, Accept, Prefer');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
});

test('limit and since lead through the history, page by page', async (t) => {
  const site = await Site.start(t);
  for (const word of ['a', 'b', 'c', 'd', 'e']) await site.post('/channels/news', word);
  assert.deepEqual(dataOf(await read(site, '?limit=2')), ['d', 'e']);
  const seen: unknown[] = [];
  let query = '?since=all&limit=2';
  for (let pages = 0; pages < 3; pages++) {
    const response = await site.fetch(`/channels/news${query}`);
    const page = (await response.json()) as Page;
    assert.equal(page.more, pages < 2);
    assert.equal(page.position, page.publications.at(-1)!.position);
    seen.push(...dataOf(page));
    query = /<(\?[^>]*)>; rel="next"/.exec(response.headers.get('link')!)![1]!;
  }
  assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(dataOf(await read(site, '?since=10m')), ['a', 'b', 'c', 'd', 'e']);
  const lost = await read(site, '?since=elsewhere.3');
  assert.equal(lost.complete, false);
});

test('an answer has as many bytes as a client may be slow by, and says that there is more', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { sendHighWaterMark: 1200, maxQueuedBytes: 1200 } });
  for (const letter of ['a', 'b', 'c', 'd']) await site.post('/channels/news', letter.repeat(400));
  const first = await read(site, '?since=all');
  assert.deepEqual([first.publications.length, first.more], [2, true]);
  assert.deepEqual(dataOf(await read(site, `?since=${first.position}`)), ['c'.repeat(400), 'd'.repeat(400)]);
  assert.deepEqual(dataOf(await read(site)), ['c'.repeat(400), 'd'.repeat(400)]);
});

test('Last-Event-ID is a position for every form, and wins over since', async (t) => {
  const site = await Site.start(t);
  const { headers } = await site.post('/channels/news', 'one');
  await site.post('/channels/news', 'two');
  const answer = await site.fetch('/channels/news?since=all', {
    headers: { 'Last-Event-ID': headers.get('pulse-position')! },
  });
  assert.deepEqual(dataOf((await answer.json()) as Page), ['two']);
});

test('ETag: 304 until something is published (RFC 9110 §13.1.2)', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'one');
  for (const query of ['', '?last', '?last&as=json', '?as=text']) {
    const first = await site.fetch(`/channels/news${query}`);
    const etag = first.headers.get('etag')!;
    const again = await site.fetch(`/channels/news${query}`, { headers: { 'If-None-Match': `"x", ${etag}` } });
    assert.equal(again.status, 304, query);
    assert.equal(again.headers.get('etag'), etag);
    assert.equal(again.headers.get('vary'), 'Origin, Accept, Prefer');
    assert.equal(again.headers.get('cache-control'), 'no-cache');
    await site.post('/channels/news', query);
    assert.equal((await site.fetch(`/channels/news${query}`, { headers: { 'If-None-Match': etag } })).status, 200);
  }
});

test('every form has an entity tag of its own', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'one');
  const tags = await Promise.all(
    ['', '?as=text', '?last', '?last&as=json', '?as=html'].map(async (query) =>
      (await site.fetch(`/channels/news${query}`)).headers.get('etag'),
    ),
  );
  assert.equal(new Set(tags).size, 5);
});

test('what not everybody may read is kept by no shared cache', async (t) => {
  const authenticator = {
    authenticate: () => ({ id: 'ada', grants: [{ actions: ['history'] as const, channels: ['*'] }] }),
  };
  const site = await Site.start(t, { namespaces: [{ match: '*', subscribe: 'granted' }], authenticator });
  assert.equal((await site.fetch('/channels/news')).headers.get('cache-control'), 'private, no-cache');
});

test('last is the newest publication, byte for byte, with its own type', async (t) => {
  const site = await Site.start(t);
  const missing = await site.fetch('/channels/news?last');
  assert.equal(missing.status, 404);
  assert.equal((await problemOf(missing))['code'], 'PB_NO_PUBLICATION');
  const text = '{ "a" :\r\n 1 }';
  const posted = await site.post('/channels/news?key=w%C3%A4rme', text, { 'Content-Type': 'application/ld+json' });
  const last = await site.fetch('/channels/news?last');
  assert.equal(await last.text(), text);
  assert.equal(last.headers.get('content-type'), 'application/ld+json');
  assert.equal(last.headers.get('pulse-position'), posted.headers.get('pulse-position'));
  assert.equal(last.headers.get('pulse-key'), 'w%C3%A4rme');
  assert.ok(Math.abs(Number(last.headers.get('pulse-time')) - Date.now()) < 60_000);
  assert.ok(last.headers.has('last-modified'));
  // Whatever was published runs nothing here.
  assert.match(last.headers.get('content-security-policy')!, /^sandbox;/);
  const bytes = Buffer.from([0, 1, 254, 255]);
  await site.post('/channels/news', bytes, { 'Content-Type': 'image/png' });
  const image = await site.fetch('/channels/news?last', { headers: { Accept: 'text/html' } });
  assert.equal(image.headers.get('content-type'), 'image/png');
  assert.deepEqual(Buffer.from(await image.arrayBuffer()), bytes);
  const envelope = (await (await site.fetch('/channels/news?last&as=json')).json()) as Record<string, unknown>;
  assert.deepEqual([envelope['encoding'], envelope['data']], ['base64', bytes.toString('base64')]);
});

test('Location leads to the publication itself, and to no other', async (t) => {
  const site = await Site.start(t);
  const posted = await site.post('/channels/news', 'one');
  await site.post('/channels/news', 'two');
  const location = new URL(posted.headers.get('location')!, `${site.url}/channels/news`);
  assert.equal(await (await fetch(location)).text(), 'one');
  for (const [at, status] of [
    ['elsewhere.1', 404],
    [posted.headers.get('pulse-position')!.replace(/\d+$/, '99'), 404],
    ['nonsense', 400],
    ['epoch.0', 400],
  ] as const) {
    assert.equal((await site.fetch(`/channels/news?at=${at}`)).status, status, at);
  }
});

test('presence: who is there, or that nobody keeps count', async (t) => {
  const site = await Site.start(t, { namespaces: [{ match: 'room', presence: true }] });
  assert.equal((await problemOf(await site.fetch('/channels/news?presence')))['code'], 'PB_NO_PRESENCE');
  const ask = async (): Promise<unknown[]> => {
    const answer = await site.fetch('/channels/room?presence');
    return ((await answer.json()) as { members: unknown[] }).members;
  };
  assert.deepEqual(await ask(), []);
  const socket = await site.socket('/channels/room?as=json');
  await site.connected(1);
  while ((await ask()).length !== 1);
  // A poll is somebody new each time, and so is nobody here.
  const poll = site.fetch('/channels/room?wait=0');
  assert.equal((await poll).status, 204);
  assert.equal((await ask()).length, 1);
  socket.terminate();
  while ((await ask()).length !== 0);
});

test('HEAD answers as GET does, without content; live forms too, without staying', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'hello');
  for (const query of ['', '?last', '?as=html', '?as=text']) {
    const get = await site.fetch(`/channels/news${query}`);
    const head = await site.fetch(`/channels/news${query}`, { method: 'HEAD' });
    assert.equal(head.status, 200);
    for (const field of ['content-length', 'content-type', 'etag', 'pulse-position', 'link']) {
      assert.equal(head.headers.get(field), get.headers.get(field), `${query} ${field}`);
    }
    await get.text();
  }
  for (const [query, type] of [
    ['?follow', 'application/x-ndjson'],
    ['?as=sse', 'text/event-stream'],
  ] as const) {
    const head = await site.fetch(`/channels/news${query}`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, type]);
  }
  assert.equal((await site.fetch('/channels/news?wait=20', { method: 'HEAD' })).status, 200);
  assert.equal(site.hub.counts().accepted, 0);
});

test('OPTIONS says what there is; other methods are 405 with Allow', async (t) => {
  const site = await Site.start(t);
  const options = await site.fetch('/channels/news', { method: 'OPTIONS' });
  assert.deepEqual([options.status, options.headers.get('allow')], [204, 'GET, HEAD, POST, OPTIONS']);
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    const response = await site.fetch('/channels/news', { method, ...(method === 'PUT' ? { body: 'x' } : {}) });
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD, POST, OPTIONS']);
    assert.match((await problemOf(response))['detail'] as string, /POST publishes/);
  }
});

for (const [query, headers, status, code] of [
  ['', { Accept: 'image/png' }, 406, 'PB_NOT_ACCEPTABLE'],
  ['?as=xml', {}, 400, 'PB_QUERY_INVALID'],
  ['?as=json&as=sse', {}, 400, 'PB_QUERY_INVALID'],
  ['?follow&as=json', {}, 400, 'PB_QUERY_INVALID'],
  ['?follow=maybe', {}, 400, 'PB_QUERY_INVALID'],
  ['?wait=soon', {}, 400, 'PB_QUERY_INVALID'],
  ['?wait=5&as=sse', {}, 400, 'PB_QUERY_INVALID'],
  ['?limit=0', {}, 400, 'PB_QUERY_INVALID'],
  ['?limit=-1', {}, 400, 'PB_QUERY_INVALID'],
  ['?since=yesterday', {}, 400, 'PB_POSITION_INVALID'],
  ['', { 'Last-Event-ID': 'nonsense' }, 400, 'PB_POSITION_INVALID'],
  ['', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' }, 426, 'PB_HANDSHAKE_UPGRADE_MISSING'],
] as const) {
  test(`${query} ${JSON.stringify(headers)} is ${status} ${code}`, async (t) => {
    const site = await Site.start(t);
    const response = await site.fetch(`/channels/news${query}`, { headers });
    assert.equal(response.status, status);
    const problem = await problemOf(response);
    assert.deepEqual([problem['code'], problem['status'], problem['type']], [code, status, 'about:blank']);
    assert.ok((problem['detail'] as string).length > 20);
    assert.equal(response.headers.get('cache-control'), 'no-store');
  });
}

/** One canonical parser: whatever is spelt otherwise is no name, at every door. */
const NAMES: readonly (readonly [string, number])[] = [
  ['news', 200],
  ['News', 200],
  ['chat:room-1', 200],
  ['ch%61t', 200],
  ['%C3%A9t%C3%A9', 200],
  ['e%CC%81', 400],
  ['', 400],
  ['.', 400],
  ['%2e', 400],
  ['..', 400],
  ['%2E%2e', 400],
  ['a%2fb', 400],
  ['a/b', 400],
  ['news/', 400],
  ['a%5Cb', 400],
  ['a%00b', 400],
  ['a%0d%0ab', 400],
  ['%6', 400],
  ['%ff', 400],
  ['%2561', 400],
  ['a+b', 400],
  ['a*', 400],
  ['a;b', 400],
  ['a,b', 400],
  [`${'x'.repeat(255)}`, 200],
  [`${'x'.repeat(256)}`, 400],
];

for (const [segment, status] of NAMES) {
  test(`/channels/${segment.slice(0, 20)} is ${status} by HTTP, and no WebSocket where it is no name`, async (t) => {
    const site = await Site.start(t);
    const client = await RawHttp.connect(t, site.port);
    client.send([`GET /channels/${segment} HTTP/1.1`, 'Host: x', 'Connection: close']);
    const answer = await client.over;
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    if (status === 400) assert.match(answer, /PB_CHANNEL_NAME/);
    if (segment === '.' || segment === '..') return;
    const opening = site.socket(`/channels/${segment}`);
    if (status === 200) (await opening).terminate();
    else await assert.rejects(opening, ({ status: refused }: { status: number }) => refused === 400 || refused === 404);
  });
}

test('names are compared with regard to case, and once they are decoded', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/ch%61t', 'hello');
  assert.equal(await (await site.fetch('/channels/chat?last')).text(), 'hello');
  assert.equal((await site.fetch('/channels/Chat?last')).status, 404);
});
