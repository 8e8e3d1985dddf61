import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { type Authenticator, DEFAULT_LIMITS } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import type { Message } from './support/feed.ts';
import { messages, serve, Socket, Stream } from './support/site.ts';
import { SlowBroker } from './support/slow-broker.ts';

const users: Authenticator = {
  authenticate({ authorization }) {
    if (authorization === undefined) return undefined;
    const id = /^Bearer (\w+)$/.exec(authorization)?.[1];
    if (id === undefined || id === 'wrong') throw new WireError('PB_UNAUTHENTICATED');
    return { id, grants: [{ actions: ['publish', 'subscribe', 'history'], channels: ['*'] }] };
  },
};

const HELLO = { type: 'hello', versions: [1] };

test('hello is welcomed with version, client, session and heartbeat', async (t) => {
  const { port } = await serve(t);
  const { welcome } = await Socket.enter(t, port, { id: 7, versions: [9, 1] });
  const { client, session, ...rest } = welcome;
  assert.match(client as string, /^[\w-]{22}$/);
  assert.match(session as string, /^[\w-]+\.[\w-]+$/);
  assert.deepEqual(rest, {
    type: 'welcome',
    id: 7,
    version: 1,
    expiresIn: DEFAULT_LIMITS.sessionLifetime,
    heartbeat: DEFAULT_LIMITS.heartbeat,
  });
});

test('what follows hello in the same packet waits for the welcome, whoever decides how long', async (t) => {
  let decide = (): void => {};
  const decided = new Promise<void>((resolve) => (decide = resolve));
  const authenticator: Authenticator = {
    async authenticate(request) {
      if (request.authorization !== undefined) await decided;
      return users.authenticate(request);
    },
  };
  const { port } = await serve(t, { authenticator });
  const { raw, feed } = await Socket.open(t, port);
  const network = (raw as unknown as { _socket: { cork(): void; uncork(): void } })._socket;
  network.cork();
  raw.send(JSON.stringify({ ...HELLO, authorization: 'Bearer ada' }));
  raw.send(JSON.stringify({ type: 'subscribe', id: 1, channel: 'news' }));
  raw.send(JSON.stringify({ type: 'publish', id: 2, channel: 'news', data: 'mine' }));
  network.uncork();
  decide();
  assert.equal((await feed.next()).type, 'welcome');
  assert.equal((await feed.next()).type, 'subscribed');
  const heard = [await feed.next(), await feed.next()];
  assert.deepEqual(heard.map(({ type }) => type).sort(), ['publication', 'published']);
});

/** The WebSocket messages that a client gets of what is published in one turn, by their lines. */
async function burst(t: TestContext, hello: object): Promise<string[][]> {
  const { port, hub } = await serve(t);
  const { socket } = await Socket.enter(t, port, hello);
  for (const channel of ['a', 'b']) await socket.ask({ type: 'subscribe', channel });
  const came: string[] = [];
  const all = new Promise<void>((resolve) => {
    socket.raw.removeAllListeners('message').on('message', (data) => {
      came.push(String(data));
      if (String(data).includes('"data":5')) resolve();
    });
  });
  for (let at = 1; at <= 5; at++) void hub.channel(at % 2 === 0 ? 'b' : 'a').publish(at);
  await all;
  return came.map((text) => text.split('\n').map((line) => String((JSON.parse(line) as Message)['data'])));
}

test('publications of one turn are a message each', async (t) => {
  assert.deepEqual(await burst(t, {}), [['1'], ['2'], ['3'], ['4'], ['5']]);
});

test('publications of one turn are lines of one message for who says so in hello', async (t) => {
  assert.deepEqual(await burst(t, { lines: true }), [['1', '2', '3', '4', '5']]);
});

test('commands are carried out in the order in which they come', async (t) => {
  const { port } = await serve(t);
  const { socket } = await Socket.enter(t, port);
  socket.send(
    { type: 'subscribe', id: 1, channel: 'a' },
    { type: 'publish', id: 2, channel: 'a', data: 1 },
    { type: 'publish', id: 3, channel: 'a', data: 2 },
    { type: 'history', id: 4, channel: 'a', since: 'all' },
    { type: 'presence', id: 5, channel: 'a' },
    { type: 'unsubscribe', id: 6, channel: 'a' },
    { type: 'publish', id: 7, channel: 'a', data: 3 },
  );
  await socket.feed.next('unsubscribed');
  await socket.feed.next('published');
  const replies = socket.feed.all.filter(({ id }) => id !== undefined);
  assert.deepEqual(
    replies.map(({ id }) => id),
    [1, 2, 3, 4, 5, 6, 7],
  );
  const heard = socket.feed.all.filter(({ type }) => type === 'publication').map(({ data }) => data);
  assert.deepEqual(heard, [1, 2]);
  const page = replies.find(({ id }) => id === 4) as unknown as { publications: { data: unknown }[] };
  assert.deepEqual(
    page.publications.map(({ data }) => data),
    [1, 2],
  );
});

for (const [what, first, code] of [
  ['another command', { type: 'subscribe', id: 3, channel: 'a' }, 'PB_HELLO_MISSING'],
  ['no JSON', '{"type":', 'PB_MESSAGE_INVALID'],
  ['bytes', Buffer.from('{"type":"hello","versions":[1]}'), 'PB_MESSAGE_INVALID'],
  ['a hello without versions', { type: 'hello' }, 'PB_COMMAND_INVALID'],
  ['a session of nobody', { ...HELLO, session: 'a.b' }, 'PB_SESSION_INVALID'],
  ['credentials that are not valid', { ...HELLO, authorization: 'Bearer wrong' }, 'PB_UNAUTHENTICATED'],
] as const) {
  test(`a connection that begins with ${what} ends with ${code} and 1008`, async (t) => {
    const { port, hub } = await serve(t, { authenticator: users });
    const { raw, feed, closed } = await Socket.open(t, port);
    raw.send(typeof first === 'string' || Buffer.isBuffer(first) ? first : JSON.stringify(first));
    const error = await feed.next();
    assert.equal(error.type, 'error');
    assert.equal(error['code'], code);
    assert.equal(error['id'], (first as { id?: number }).id);
    assert.deepEqual(Object.values(await feed.next('bye')).slice(0, 2), ['bye', code]);
    const { code: closeCode, reason } = await closed;
    assert.equal(closeCode, 1008);
    assert.match(reason, new RegExp(`^${code};`));
    assert.deepEqual(hub.counts().refusedByCode, { [code]: 1 });
    assert.equal(hub.counts().open, 0);
  });
}

test('a connection without hello ends with PB_HELLO_TIMEOUT', async (t) => {
  const { port } = await serve(t, { limits: { helloTimeout: 20 } });
  const { feed, closed } = await Socket.open(t, port);
  assert.equal((await feed.next('error'))['code'], 'PB_HELLO_TIMEOUT');
  assert.equal((await closed).code, 1008);
});

test('a client that speaks no version of ours is told which there are', async (t) => {
  const { port } = await serve(t);
  const { feed, closed, raw } = await Socket.open(t, port);
  raw.send(JSON.stringify({ type: 'hello', versions: [2, 7], id: 1 }));
  const { detail, ...error } = await feed.next();
  assert.deepEqual(error, { type: 'error', id: 1, code: 'PB_WIRE_VERSION', retry: false, versions: [1] });
  assert.match(detail as string, /speaks version 1 .* the client 2, 7/);
  assert.equal((await closed).code, 1008);
});

test('bad commands are answered, and the connection lives on', async (t) => {
  const { port } = await serve(t, { limits: { maxChannelsPerClient: 2 } });
  const { socket } = await Socket.enter(t, port);
  const { feed, raw } = socket;
  for (const [message, code, id] of [
    ['{"__proto__":{"type":"subscribe"}}', 'PB_COMMAND_INVALID'],
    ['{"type":"constructor","id":1}', 'PB_MESSAGE_UNKNOWN', 1],
    ['{"type":"subscribe","id":2}', 'PB_COMMAND_INVALID', 2],
    ['{"type":"subscribe","id":3,"channel":{"length":1}}', 'PB_COMMAND_INVALID', 3],
    ['{"type":"subscribe","id":"4","channel":"a"}', 'PB_COMMAND_INVALID'],
    [`{"type":"subscribe","id":5,"channel":"${'x'.repeat(256)}"}`, 'PB_CHANNEL_NAME', 5],
    ['{"type":"subscribe","id":6,"channel":"a","since":"yesterday"}', 'PB_POSITION_INVALID', 6],
    ['{"type":"unsubscribe","id":7,"channel":"a"}', 'PB_NOT_SUBSCRIBED', 7],
    ['{"type":"publish","id":8,"channel":"a","data":1,"idempotencyKey":""}', 'PB_IDEMPOTENCY_KEY', 8],
    ['{"type":"hello","id":9,"versions":[1]}', 'PB_HELLO_REPEATED', 9],
  ] as const) {
    raw.send(message);
    const error = await feed.next();
    assert.equal(error.type, 'error', JSON.stringify(error));
    assert.deepEqual([error['code'], error['id']], [code, id], message.slice(0, 80));
  }
  assert.equal((await socket.ask({ type: 'subscribe', channel: 'a' })).type, 'subscribed');
  assert.equal((await socket.ask({ type: 'subscribe', channel: 'a' }))['code'], 'PB_ALREADY_SUBSCRIBED');
  assert.equal((await socket.ask({ type: 'subscribe', channel: 'b' })).type, 'subscribed');
  assert.equal((await socket.ask({ type: 'subscribe', channel: 'c' }))['code'], 'PB_TOO_MANY_CHANNELS');
  assert.equal((await socket.ask({ type: 'publish', channel: 'a', data: 1 })).type, 'published');
});

for (const [what, message, code] of [
  ['garbage', 'garbage', 'PB_MESSAGE_INVALID'],
  ['a list', '[]', 'PB_MESSAGE_INVALID'],
  ['null', 'null', 'PB_MESSAGE_INVALID'],
  ['bytes', Buffer.from('{"type":"presence","channel":"a"}'), 'PB_MESSAGE_INVALID'],
  ['30,000 levels', `{"type":"publish","data":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, 'PB_MESSAGE_DEPTH'],
] as const) {
  test(`what is no message ends the connection, with error, bye and 1008: ${what}`, async (t) => {
    const { port } = await serve(t);
    const { socket } = await Socket.enter(t, port);
    socket.raw.send(message, { binary: Buffer.isBuffer(message) });
    assert.equal((await socket.feed.next())['code'], code);
    assert.deepEqual(['bye', code], Object.values(await socket.feed.next()).slice(0, 2));
    const { code: closeCode, reason } = await socket.closed;
    assert.equal(closeCode, 1008);
    assert.match(reason, new RegExp(`^${code};`));
  });
}

test('a message that is too large ends the connection with 1009', async (t) => {
  const { port, hub } = await serve(t, { limits: { maxCommandSize: 1000 } });
  const { socket } = await Socket.enter(t, port);
  socket.send({ type: 'publish', channel: 'a', data: 'x'.repeat(1000) });
  assert.equal((await socket.closed).code, 1009);
  assert.deepEqual(hub.counts().refusedByCode, { PB_PAYLOAD_TOO_LARGE: 1 });
});

test('who sends too much is told so, and who goes on is sent away', async (t) => {
  const { port } = await serve(t, { limits: { commandRate: 1, commandBurst: 5 } });
  const { socket } = await Socket.enter(t, port);
  const { feed } = socket;
  for (let id = 0; id < 5; id++)
    assert.equal((await socket.ask({ type: 'publish', channel: 'a', data: 0 })).type, 'published');
  // Garbage counts, too.
  socket.raw.send('garbage');
  assert.equal((await feed.next('error'))['code'], 'PB_RATE');
  for (let more = 0; more < 20; more++) socket.send({ type: 'publish', channel: 'a', data: 0 });
  const bye = await feed.next('bye');
  assert.deepEqual([bye['code'], bye['retry']], ['PB_RATE', true]);
  assert.equal((await socket.closed).code, 1008);
});

test('publications go to the broker together, in order, and no more of them than it can take', async (t) => {
  const broker = new SlowBroker();
  const { port } = await serve(t, { broker, limits: { maxCommandSize: 1000 } });
  const { socket } = await Socket.enter(t, port);
  const count = 100;
  const data = 'x'.repeat(400);
  for (let id = 0; id < count; id++) socket.send({ type: 'publish', id, channel: 'a', data: `${id} ${data}` });
  socket.send({ type: 'history', id: count, channel: 'a', limit: 1 });
  await broker.asked;
  // A ping is answered where what is before it was read: this one is not, while the client is not read from.
  let isRead = false;
  socket.raw.once('pong', () => (isRead = true));
  socket.raw.ping();
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(broker.underWay > 1 && broker.underWay < 12, `${broker.underWay} are under way`);
  assert.equal(isRead, false);
  broker.goOn();
  const replies = [...(await socket.feed.take(count, 'published')), await socket.feed.next('history')];
  assert.deepEqual(
    replies.map(({ id }) => id),
    Array.from({ length: count + 1 }, (_, id) => id),
  );
  assert.match(JSON.stringify(replies.at(-1)), new RegExp(`"${count - 1} x`));
});

test('large replies wait until there is room for them', async (t) => {
  const limits = { sendHighWaterMark: 10_000 };
  const { port, hub } = await serve(t, { limits });
  await hub.channel('a').publish('x'.repeat(600_000));
  const { socket } = await Socket.enter(t, port);
  socket.raw.pause();
  for (let id = 0; id < 50; id++) socket.send({ type: 'history', id, channel: 'a' });
  const [client] = hub.clients;
  let most = 0;
  for (let turn = 0; turn < 200; turn++) {
    most = Math.max(most, client!.outlet.queuedBytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(most < 1_300_000, `${most} bytes wait`);
  socket.raw.resume();
  assert.equal((await socket.feed.take(50, 'history')).length, 50);
});

test('a reply that is larger than what may wait does not make a client slow that reads', async (t) => {
  const { port, hub } = await serve(t, { limits: { sendHighWaterMark: 10_000, maxQueuedBytes: 20_000 } });
  // More than the buffers between the two take at once.
  for (let count = 0; count < 12; count++) await hub.channel('a').publish('x'.repeat(1_000_000));
  const { socket } = await Socket.enter(t, port);
  socket.send({ type: 'history', id: 1, channel: 'a' }, { type: 'publish', id: 2, channel: 'b', data: 1 });
  socket.send({ type: 'presence', id: 3, channel: 'b' }, { type: 'publish', id: 4, channel: 'b', data: 2 });
  for (const type of ['history', 'published', 'presence', 'published']) {
    assert.equal((await socket.feed.next()).type, type);
  }
});

test('a client may be sent away as soon as it comes, by whatever way', async (t) => {
  const failures: unknown[] = [];
  const { port, hub } = await serve(t, {
    hooks: {
      opened: (client) => client.close(new WireError('PB_HUB_FULL')),
      failed: (error) => void failures.push(error),
    },
  });
  const { feed, closed, raw } = await Socket.open(t, port);
  raw.send(JSON.stringify(HELLO));
  assert.equal((await feed.next('bye'))['code'], 'PB_HUB_FULL');
  assert.equal((await closed).code, 1013);
  const body = { hello: HELLO, commands: [{ type: 'subscribe', channel: 'a' }] };
  for (const kind of ['sse', 'ndjson'] as const) {
    const stream = await Stream.open(t, port, kind, body);
    assert.equal((await stream.feed.next('bye'))['code'], 'PB_HUB_FULL');
  }
  const poll = await messages(port, body, { query: '?wait=20' });
  assert.equal(poll.find(({ type }) => type === 'bye')!['code'], 'PB_HUB_FULL');
  assert.equal(hub.counts().subscriptions, 0);
  assert.deepEqual(failures, []);
});

test('a heartbeat comes at least once in its period, and only in silence', async (t) => {
  const { port } = await serve(t, { limits: { heartbeat: 80 } });
  const { socket } = await Socket.enter(t, port);
  let before = performance.now();
  for (let count = 0; count < 3; count++) {
    assert.deepEqual(await socket.feed.next(), { type: 'heartbeat' });
    const now = performance.now();
    // With room for a busy machine.
    assert.ok(now - before < 80 + 400, `${now - before} ms of silence`);
    before = now;
  }
});

test('drain says bye with a hint, and closes with 1012', async (t) => {
  const { port, hub } = await serve(t);
  const { socket } = await Socket.enter(t, port);
  const visitor = await Socket.open(t, port);
  await hub.drain(0);
  const bye = await socket.feed.next('bye');
  assert.deepEqual([bye['code'], bye['retry']], ['PB_HUB_DRAINING', true]);
  assert.ok((bye['retryAfter'] as number) >= 1000);
  const { code, reason } = await socket.closed;
  assert.equal(code, 1012);
  assert.match(reason, /^PB_HUB_DRAINING; retry after \d+ ms/);
  // Who has not said hello is told when it does.
  visitor.send(HELLO);
  assert.equal((await visitor.feed.next('error'))['code'], 'PB_HUB_DRAINING');
  assert.equal((await visitor.closed).code, 1012);
});

test('a client that does not read is sent away, and loses nothing when it comes back', async (t) => {
  const limits = { sendHighWaterMark: 1000, maxQueuedBytes: 200_000 };
  const { port, hub } = await serve(t, { limits });
  const { socket, welcome } = await Socket.enter(t, port);
  await socket.ask({ type: 'subscribe', channel: 'a' });
  socket.raw.pause();
  const data = 'x'.repeat(50_000);
  let published = 0;
  while (hub.counts().open > 0 || published === 0) {
    await hub.publish('a', { kind: 'text', contentType: 'text/plain', data: `${published++} ${data}` });
    // The close of the connection takes a turn, or several.
    await new Promise((resolve) => setImmediate(resolve));
    if (published === 290) break;
  }
  socket.raw.resume();
  assert.equal((await socket.closed).code, 1013);
  const heard = socket.feed.all.filter(({ type }) => type === 'publication');
  const last = heard.at(-1)!;
  assert.equal(heard.length < published, true);
  const { socket: back } = await Socket.enter(t, port, { session: welcome['session'] });
  assert.equal((await back.ask({ type: 'subscribe', channel: 'a', since: last['position'] }))['recovered'], true);
  const missed = await back.feed.take(published - heard.length, 'publication');
  const numbers = [...heard, ...missed].map(({ data: text }) => Number.parseInt(text as string, 10));
  assert.deepEqual(
    numbers,
    Array.from({ length: published }, (_, index) => index),
  );
});

test('a handshake is refused with 401 for wrong credentials, 403 for a foreign page, 503 where nobody else may come', async (t) => {
  const { port } = await serve(t, { authenticator: users, limits: { maxClients: 1 } });
  const refused = async (options: object): Promise<[number, string | undefined]> => {
    const raw = new WebSocket(`ws://127.0.0.1:${port}/connect`, options);
    raw.on('error', () => {});
    const [, response] = await once(raw, 'unexpected-response');
    response.resume();
    raw.terminate();
    return [response.statusCode, response.headers['www-authenticate']];
  };
  assert.deepEqual(await refused({ headers: { Authorization: 'Bearer wrong' } }), [401, 'Bearer']);
  assert.deepEqual(await refused({ origin: 'https://evil.example' }), [403, undefined]);
  await Socket.enter(t, port, {}, { headers: { Authorization: 'Bearer ada' } });
  assert.deepEqual(await refused({}), [503, undefined]);
});

test('a page of history has as many bytes as a client that reads can take, and says that there is more', async (t) => {
  const { port, hub } = await serve(t, { limits: { maxQueuedBytes: 131_072 } });
  // In JSON each of these characters takes six.
  const data = '\u0001'.repeat(10_000);
  for (let i = 0; i < 10; i++) await hub.channel('a').publish(data);
  const { socket } = await Socket.enter(t, port);
  const positions: string[] = [];
  for (let since = 'all', more = true; more; since = positions.at(-1)!) {
    const page = await socket.ask({ type: 'history', channel: 'a', since });
    assert.equal(page.type, 'history');
    const publications = page['publications'] as { position: string; data: string }[];
    assert(JSON.stringify(publications).length <= 65_536 + 1000);
    positions.push(...publications.map(({ position }) => position));
    more = page['more'] as boolean;
  }
  assert.equal(new Set(positions).size, 10);
  const newest = await socket.ask({ type: 'history', channel: 'a' });
  const [last] = (newest['publications'] as { position: string }[]).slice(-1);
  assert.equal(last!.position, positions.at(-1));
});
