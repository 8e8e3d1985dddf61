import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Refusal } from '@pulsebeacon/websocket';
import { messages, post, serve, Stream } from './support/site.ts';
import { SlowBroker } from './support/slow-broker.ts';

const hello = { versions: [1] };
const follow = (channel: string): object => ({ hello, commands: [{ type: 'subscribe', id: 1, channel }] });

for (const kind of ['ndjson', 'sse'] as const) {
  test(`${kind}: welcome, replies, publications and heartbeats, until the client goes`, async (t) => {
    const { port, hub, until } = await serve(t, { limits: { heartbeat: 60 } });
    const commands = [
      { type: 'publish', id: 1, channel: 'a', data: 'before' },
      { type: 'subscribe', id: 2, channel: 'a', since: 'all' },
      { type: 'subscribe', id: 3, channel: 'b' },
      { type: 'publish', id: 4, channel: 'b', data: { from: 'itself' } },
      { type: 'history', id: 5, channel: 'a' },
    ];
    const { feed, response, close } = await openStream(t, port, kind, { hello, commands });
    const type = kind === 'sse' ? 'text/event-stream' : 'application/x-ndjson';
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers['content-type'], type);
    assert.equal(response.headers['cache-control'], 'no-store, no-transform');
    assert.equal(response.headers['x-accel-buffering'], 'no');
    assert.equal(response.headers['content-length'], undefined);
    assert.equal((await feed.next()).type, 'welcome');
    await feed.next('history');
    const heard = feed.all.filter((message) => message.type === 'publication').map(({ data }) => data);
    assert.deepEqual(heard, ['before', { from: 'itself' }]);
    await feed.next('heartbeat');
    await hub.channel('b').publish('more');
    assert.equal((await feed.next('publication'))['data'], 'more');
    await close();
    await until(() => hub.counts().open === 0);
    assert.equal(hub.counts().subscriptions, 0);
  });
}

for (const kind of ['ndjson', 'sse'] as const) {
  test(`${kind}: a client that does not read is sent away, and loses nothing when it comes back`, async (t) => {
    const { port, hub } = await serve(t, { limits: { sendHighWaterMark: 1000, maxQueuedBytes: 200_000 } });
    const slow = await Stream.open(t, port, kind, follow('a'));
    const welcome = await slow.feed.next('welcome');
    await slow.feed.next('subscribed');
    slow.response.pause();
    const data = 'x'.repeat(50_000);
    let published = 0;
    while (hub.counts().subscriptions > 0 && published < 290) {
      await hub.channel('a').publish(`${published++} ${data}`);
      // What is written, and what becomes of it, takes a turn or several.
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(published < 290);
    slow.response.resume();
    const bye = await slow.feed.next('bye');
    assert.deepEqual([bye['code'], bye['retry']], ['PB_SLOW_SUBSCRIBER', true]);
    const heard = slow.feed.all.filter(({ type }) => type === 'publication');
    const commands = [{ type: 'subscribe', channel: 'a', since: heard.at(-1)!['position'] }];
    const back = await Stream.open(t, port, kind, { hello: { ...hello, session: welcome['session'] }, commands });
    assert.equal((await back.feed.next('subscribed'))['recovered'], true);
    const missed = await back.feed.take(published - heard.length, 'publication');
    assert.deepEqual(
      [...heard, ...missed].map(({ data: text }) => Number.parseInt(text as string, 10)),
      Array.from({ length: published }, (_, number) => number),
    );
  });
}

test('history stands in an answer as it was published', async (t) => {
  const { port, hub } = await serve(t);
  const json = '{"big": 12345678901234567890, "a" : 1.0}';
  await hub.publish('a', { kind: 'json', contentType: 'application/json', data: json });
  const body = { hello, commands: [{ type: 'history', channel: 'a' }] };
  assert.ok((await post(port, body)).text.includes(json));
  const since = { hello, commands: [{ type: 'subscribe', channel: 'a', since: 'all' }] };
  assert.ok((await post(port, since, { query: '?wait=20' })).text.includes(json));
});

async function openStream(...parameters: Parameters<typeof Stream.open>) {
  const stream = await Stream.open(...parameters);
  return { feed: stream.feed, response: stream.response, close: () => stream.close() };
}

test('a stream is ended with bye when the server goes', async (t) => {
  const { port, hub } = await serve(t);
  const { feed, response } = await Stream.open(t, port, 'sse', follow('a'));
  await feed.next('subscribed');
  await hub.drain(0);
  assert.equal((await feed.next('bye'))['code'], 'PB_HUB_DRAINING');
  if (!response.readableEnded) await once(response, 'end');
});

test('without a wait, a POST is answered at once with the replies to its commands', async (t) => {
  const { port, hub } = await serve(t);
  const commands = [
    { type: 'publish', id: 1, channel: 'a', data: 'hello' },
    { type: 'history', id: 2, channel: 'a' },
    { type: 'presence', id: 3, channel: 'a' },
    { type: 'subscribe', id: 4, channel: 'a' },
    { type: 'nonsense', id: 5 },
    { type: 'hello', id: 6, versions: [1] },
  ];
  const answer = await post(port, { hello, commands });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  const [welcome, ...replies] = (JSON.parse(answer.text) as { messages: Record<string, unknown>[] }).messages;
  assert.equal(welcome!['type'], 'welcome');
  const byId = replies.sort((a, b) => (a['id'] as number) - (b['id'] as number));
  assert.deepEqual(
    byId.map(({ type, code }) => code ?? type),
    ['published', 'history', 'presence', 'PB_NOT_ACCEPTABLE', 'PB_MESSAGE_UNKNOWN', 'PB_HELLO_REPEATED'],
  );
  assert.match(byId[3]!['detail'] as string, /Accept: application\/x-ndjson .* Prefer: wait=25/);
  assert.equal(hub.counts().accepted, 0);
});

test('a POST that is sent twice does not publish twice, where its commands have idempotency keys', async (t) => {
  const { port, hub } = await serve(t);
  const [welcome] = await messages(port, { hello });
  const body = {
    hello: { ...hello, session: welcome!['session'] },
    commands: [1, 2, 3].map((n) => ({ type: 'publish', id: n, channel: 'a', data: n, idempotencyKey: `key-${n}` })),
  };
  const first = await messages(port, body);
  const second = await messages(port, body);
  const positions = (replies: typeof first) => replies.slice(1).map(({ position }) => position);
  assert.deepEqual(positions(second), positions(first));
  assert.deepEqual(
    second.slice(1).map(({ duplicate }) => duplicate),
    [true, true, true],
  );
  assert.equal((await hub.history('a')).publications.length, 3);
});

for (const [what, body, options, status, code] of [
  ['no JSON', 'garbage', {}, 400, 'PB_MESSAGE_INVALID'],
  ['nothing', '', {}, 400, 'PB_MESSAGE_INVALID'],
  ['a list', '[]', {}, 400, 'PB_MESSAGE_INVALID'],
  ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), {}, 400, 'PB_MESSAGE_INVALID'],
  ['brackets only', '['.repeat(65_536), {}, 400, 'PB_MESSAGE_DEPTH'],
  ['commas only', ','.repeat(65_536), {}, 400, 'PB_MESSAGE_INVALID'],
  ['line ends only', '\r\n'.repeat(32_768), {}, 400, 'PB_MESSAGE_INVALID'],
  ['record separators only', '\x1e'.repeat(65_536), {}, 400, 'PB_MESSAGE_INVALID'],
  ['no hello', { commands: [] }, {}, 400, 'PB_HELLO_MISSING'],
  ['a hello that is a list', { hello: [1] }, {}, 400, 'PB_HELLO_MISSING'],
  ['a hello without versions', { hello: {} }, {}, 400, 'PB_COMMAND_INVALID'],
  ['commands that are no list', { hello, commands: { length: 3 } }, {}, 400, 'PB_MESSAGE_INVALID'],
  ['too many commands', { hello, commands: Array(257).fill(null) }, {}, 400, 'PB_TOO_MANY_COMMANDS'],
  ['a body that is too large', ' '.repeat(65_537), {}, 413, 'PB_PAYLOAD_TOO_LARGE'],
  ['a form', 'a=b', { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }, 415, 'PB_MEDIA_TYPE'],
  ['another charset', '{}', { headers: { 'Content-Type': 'application/json; charset=utf-16' } }, 415, 'PB_MEDIA_TYPE'],
  ['a content coding', '{}', { headers: { 'Content-Encoding': 'gzip' } }, 415, 'PB_CONTENT_CODING'],
  ['a type that we do not have', { hello }, { headers: { Accept: 'text/html' } }, 406, 'PB_NOT_ACCEPTABLE'],
  ['a wait that is no number', { hello }, { query: '?wait=long' }, 400, 'PB_QUERY_INVALID'],
  ['a session of nobody', { hello: { ...hello, session: 'x' } }, {}, 401, 'PB_SESSION_INVALID'],
  ['a foreign page', { hello }, { headers: { Origin: 'https://evil.example' } }, 403, 'PB_ORIGIN_FORBIDDEN'],
  [
    'a foreign page, as text',
    JSON.stringify({ hello }),
    { headers: { Origin: 'https://evil.example', 'Content-Type': 'text/plain' } },
    403,
    'PB_ORIGIN_FORBIDDEN',
  ],
  ['a page of another site', { hello }, { headers: { 'Sec-Fetch-Site': 'cross-site' } }, 403, 'PB_ORIGIN_FORBIDDEN'],
] as const) {
  test(`a POST with ${what}: ${status} ${code}, quickly`, async (t) => {
    const { port, hub } = await serve(t);
    const before = performance.now();
    const { status: got, headers, text } = await post(port, body, options);
    assert.ok(performance.now() - before < 1000);
    const problem = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual([got, problem['status'], problem['code']], [status, status, code]);
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.equal(headers['www-authenticate'], status === 401 ? 'Bearer' : undefined);
    assert.equal(headers['accept-post'], code === 'PB_MEDIA_TYPE' ? 'application/json, text/plain' : undefined);
    assert.deepEqual(hub.counts().refusedByCode, { [code]: 1 });
  });
}

test('a client of another version gets the versions that there are', async (t) => {
  const { port } = await serve(t);
  const { status, headers, text } = await post(port, { hello: { versions: [2] } });
  const { code, versions, detail } = JSON.parse(text) as Record<string, unknown>;
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.deepEqual([status, code, versions], [400, 'PB_WIRE_VERSION', [1]]);
  assert.match(detail as string, /speaks version 1/);
});

test('text/plain is JSON, too, and a listed origin may read the answer', async (t) => {
  const { port } = await serve(t, { allowedOrigins: ['https://app.example'] });
  const headers = { Origin: 'https://app.example', 'Content-Type': 'text/plain;charset=UTF-8' };
  const answer = await post(port, JSON.stringify({ hello }), { headers });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example');
  assert.match(answer.headers['vary']!, /Origin/);
  assert.match(answer.headers['vary']!, /Accept, Prefer/);
});

test('OPTIONS says what there is, and answers the preflight of a listed origin', async (t) => {
  const { port } = await serve(t, { allowedOrigins: ['https://app.example'] });
  const plain = await post(port, '', { method: 'OPTIONS' });
  assert.deepEqual([plain.status, plain.headers['allow']], [204, 'GET, HEAD, POST, OPTIONS']);
  assert.equal(plain.headers['access-control-allow-origin'], undefined);
  const preflight = await post(port, '', {
    method: 'OPTIONS',
    headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' },
  });
  assert.match(preflight.headers['access-control-allow-methods']!, /POST/);
});

test('other methods: 426 for GET and HEAD, 405 for the rest', async (t) => {
  const { port } = await serve(t);
  const get = await post(port, '', { method: 'GET' });
  assert.deepEqual([get.status, get.headers['upgrade'], get.headers['connection']], [426, 'websocket', 'Upgrade']);
  assert.match((JSON.parse(get.text) as { detail: string }).detail, /by WebSocket, or by POST/);
  const head = await post(port, '', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [426, '']);
  const put = await post(port, '', { method: 'PUT' });
  assert.deepEqual([put.status, put.headers['allow']], [405, 'GET, HEAD, POST, OPTIONS']);
});

test('the application may refuse a client before anything else is looked at', async (t) => {
  const { port } = await serve(t, { hooks: { admit: () => new Refusal(429, { code: 'APP_BUSY' }) } });
  const { status, text } = await post(port, 'garbage');
  assert.deepEqual([status, (JSON.parse(text) as { code: string }).code], [429, 'APP_BUSY']);
});

test('a client has one POST at a time', async (t) => {
  const broker = new SlowBroker();
  const { port } = await serve(t, { broker });
  const [welcome] = await messages(port, { hello });
  const body = {
    hello: { ...hello, session: welcome!['session'] },
    commands: [{ type: 'publish', id: 1, channel: 'a', data: 1 }],
  };
  const first = messages(port, body);
  await broker.asked;
  const second = await post(port, body);
  const { code } = JSON.parse(second.text) as { code: string };
  assert.deepEqual([second.status, code, second.headers['retry-after']], [409, 'PB_REQUEST_BUSY', '1']);
  broker.goOn();
  assert.equal((await first)[1]!.type, 'published');
  assert.equal((await messages(port, body))[1]!.type, 'published');
});

test('commands of one session count together, whatever requests bring them', async (t) => {
  const { port } = await serve(t, { limits: { commandRate: 1, commandBurst: 3 } });
  const [welcome] = await messages(port, { hello });
  const body = {
    hello: { ...hello, session: welcome!['session'] },
    commands: [1, 2].map((id) => ({ type: 'publish', id, channel: 'a', data: id })),
  };
  const types = (replies: Awaited<ReturnType<typeof messages>>) => replies.map(({ type, code }) => code ?? type).sort();
  assert.deepEqual(types(await messages(port, body)), ['published', 'published', 'welcome']);
  assert.deepEqual(types(await messages(port, body)), ['PB_RATE', 'published', 'welcome']);
});

test('one answer does not grow without end', async (t) => {
  const { port } = await serve(t, { limits: { sendHighWaterMark: 5_000, maxQueuedBytes: 10_000 } });
  const data = 'x'.repeat(6000);
  const commands = [
    { type: 'publish', channel: 'a', data },
    ...[1, 2, 3, 4].map((id) => ({ type: 'history', id, channel: 'a' })),
  ];
  const replies = await messages(port, { hello, commands });
  assert.deepEqual(
    replies.slice(1).map(({ type, code }) => code ?? type),
    ['history', 'history', 'PB_TOO_MANY_COMMANDS', 'PB_TOO_MANY_COMMANDS'],
  );
});

test('a client that goes away in the middle of its body leaves nothing behind', async (t) => {
  const { port, hub, server } = await serve(t);
  const socket = connect(port, '127.0.0.1');
  const requested = once(server, 'connection');
  socket.write(
    'POST /connect HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"he',
  );
  const [accepted] = await requested;
  const closed = once(accepted, 'close');
  socket.destroy();
  await closed;
  assert.deepEqual(hub.counts().refusedByCode, {});
  assert.equal((await messages(port, { hello }))[0]!.type, 'welcome');
});
