import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Authenticator } from '@pulsebeacon/hub';
import { OPEN, problemOf, Site } from '../support/site.ts';

test('POST answers 201 with the position, and where the publication is', async (t) => {
  const site = await Site.start(t);
  const response = await site.post('/channels/news', 'hello');
  assert.equal(response.status, 201);
  const position = response.headers.get('pulse-position')!;
  assert.match(position, /^[\w-]+\.1$/);
  assert.equal(response.headers.get('location'), `?at=${position}`);
  assert.deepEqual(await response.json(), { channel: 'news', position, duplicate: false });
});

// RFC 9110 §9.3.3: an answer to a POST is only stored where it says how long it is fresh, and by Content-Location that it is
// what a GET would give. Neither Cache-Control nor Vary would keep anybody from anything.
test('the answer to a POST says nothing by which a cache could store it', async (t) => {
  const site = await Site.start(t);
  const { headers } = await site.post('/channels/news', 'hello');
  for (const name of ['Cache-Control', 'Expires', 'Content-Location', 'ETag', 'Last-Modified']) {
    assert.equal(headers.get(name), null, name);
  }
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
});

test('a name beyond ASCII is in the answer as UTF-8', async (t) => {
  const site = await Site.start(t);
  const response = await site.post('/channels/caf%C3%A9', 'hello');
  const text = await response.text();
  assert.equal(response.headers.get('content-length'), String(Buffer.byteLength(text)));
  assert.match(text, /^\{"channel":"café","position":"[\w.-]+","duplicate":false\}\n$/);
});

for (const [type, body, shown, data] of [
  [undefined, 'grüß dich', 'text/plain; charset=utf-8', 'grüß dich'],
  [undefined, Buffer.of(255, 0), 'application/octet-stream', '/wA='],
  ['application/x-www-form-urlencoded', 'a=1&b=2', 'text/plain; charset=utf-8', 'a=1&b=2'],
  ['application/json', '[1, 2]', 'application/json', [1, 2]],
  ['application/vnd.api+json', '{"a":1}', 'application/vnd.api+json', { a: 1 }],
  ['text/csv; charset=UTF-8', 'a,b\r\n', 'text/csv; charset=UTF-8', 'a,b\r\n'],
  ['image/png', 'png', 'image/png', 'cG5n'],
] as const) {
  test(`a body of ${type} is ${shown}`, async (t) => {
    const site = await Site.start(t);
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    assert.equal(
      (await site.post('/channels/news', bytes, type === undefined ? {} : { 'Content-Type': type })).status,
      201,
    );
    const publication = (await (await site.fetch('/channels/news?last&as=json')).json()) as Record<string, unknown>;
    assert.deepEqual([publication['contentType'], publication['data']], [shown, data]);
  });
}

test('the same Idempotency-Key publishes once, and answers the same', async (t) => {
  const site = await Site.start(t);
  const post = async (body: string): Promise<Record<string, unknown>> => {
    const response = await site.post('/channels/news', body, { 'Idempotency-Key': 'k-1' });
    assert.equal(response.status, 201);
    return (await response.json()) as Record<string, unknown>;
  };
  const first = await post('once');
  const second = await post('twice');
  assert.deepEqual(second, { ...first, duplicate: true });
  const history = (await (await site.fetch('/channels/news')).json()) as { publications: unknown[] };
  assert.equal(history.publications.length, 1);
});

test('reach counts whom it was sent to here', async (t) => {
  const site = await Site.start(t);
  const sockets = await Promise.all([1, 2, 3].map(() => site.socket('/channels/news?as=json')));
  await site.connected(3);
  const answer = (await (await site.post('/channels/news?reach', 'hello')).json()) as Record<string, unknown>;
  assert.deepEqual(answer['reach'], { sent: 3, queued: 0, skipped: 0 });
  for (const socket of sockets) socket.terminate();
});

test('the state key comes by query or by field, in any script', async (t) => {
  const site = await Site.start(t);
  const keyOf = async (): Promise<unknown> =>
    ((await (await site.fetch('/channels/news?last&as=json')).json()) as Record<string, unknown>)['key'];
  await site.post('/channels/news?key=k%C3%BCche', 'x');
  assert.equal(await keyOf(), 'küche');
  await site.post('/channels/news', 'x', { 'Pulse-Key': 'k%C3%BCche' });
  assert.equal(await keyOf(), 'küche');
  assert.equal((await site.post('/channels/news?key=', 'x')).status, 400);
});

test('more than the rate is 429 with Retry-After', async (t) => {
  const site = await Site.start(t, { namespaces: [{ match: '*', publish: 'anyone', rate: 1 }] });
  assert.equal((await site.post('/channels/news', 'x')).status, 201);
  const refused = await site.post('/channels/news', 'x');
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
  assert.equal((await problemOf(refused))['code'], 'PB_RATE');
});

test('a broker that fails is 503, and what failed is told to the server alone', async (t) => {
  const site = await Site.start(t, OPEN);
  const failure = new Error('the disk is full');
  site.hub.broker.publish = () => Promise.reject(failure);
  const response = await site.post('/channels/news', 'x');
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '5']);
  assert.equal((await problemOf(response))['code'], 'PB_BROKER_FAILED');
  assert.deepEqual(site.failures, [failure]);
});

test('an idempotency key is of whoever publishes: nobody takes the place of what another one is about to publish', async (t) => {
  const authenticator: Authenticator = {
    authenticate: ({ authorization: id }) => (id === undefined ? undefined : { id, grants: [] }),
  };
  const site = await Site.start(t, { ...OPEN, authenticator });
  const post = async (by: string | undefined, data: string, key = 'order-1'): Promise<boolean> => {
    const headers = { 'Idempotency-Key': key, ...(by === undefined ? {} : { Authorization: by }) };
    const answer = (await (await site.post('/channels/a', data, headers)).json()) as { duplicate: boolean };
    return answer.duplicate;
  };
  const { duplicate } = await site.hub.channel('a').publish('server', { idempotencyKey: 'order-1' });
  assert.equal(duplicate, false);
  assert.equal(await post(undefined, 'nobody'), false);
  assert.equal(await post('mallory', 'mallory'), false);
  assert.equal(await post('ada', 'ada'), false);
  assert.equal(await post('ada', 'ada again'), true);
  assert.equal(await post(undefined, 'nobody again'), true);
  const { publications } = await site.hub.channel('a').history();
  assert.deepEqual(
    publications.map(({ data }) => data),
    ['server', 'nobody', 'mallory', 'ada'],
  );
});
