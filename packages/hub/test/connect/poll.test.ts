import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { type Message } from './support/feed.ts';
import { messages, post, serve, type Site, Socket } from './support/site.ts';
import { SlowBroker } from './support/slow-broker.ts';

const hello = { versions: [1] };
const WAIT = { headers: { Prefer: 'wait=20' } };
const types = (list: readonly Message[]): string[] => list.map(({ type }) => type);

/** Resolves once somebody has connected, and follows the channel. */
async function followed({ hub, until }: Site, subscriptions = 1): Promise<void> {
  await until(() => hub.counts().subscriptions >= subscriptions);
}

test('a poll is answered with the next publication, and all that came in the same turn', async (t) => {
  const site = await serve(t);
  const commands = [
    { type: 'subscribe', id: 1, channel: 'a' },
    { type: 'subscribe', id: 2, channel: 'b' },
  ];
  const answered = post(site.port, { hello, commands }, WAIT);
  await followed(site, 2);
  void site.hub.channel('a').publish(1);
  void site.hub.channel('b').publish(2);
  void site.hub.channel('a').publish(3);
  const { status, headers, text } = await answered;
  assert.equal(status, 200);
  assert.equal(headers['preference-applied'], 'wait=20');
  assert.equal(headers['cache-control'], 'no-store');
  const list = (JSON.parse(text) as { messages: Message[] }).messages;
  assert.deepEqual(types(list), ['welcome', 'subscribed', 'subscribed', 'publication', 'publication', 'publication']);
  assert.deepEqual(
    list.slice(3).map(({ data }) => data),
    [1, 2, 3],
  );
});

test('at the deadline a poll is answered with the positions', async (t) => {
  const { port } = await serve(t, { limits: { maxWait: 30 } });
  const list = await messages(port, { hello, commands: [{ type: 'subscribe', id: 1, channel: 'a' }] }, WAIT);
  assert.deepEqual(types(list), ['welcome', 'subscribed']);
  assert.match(list[1]!['position'] as string, /^[\w-]+\.0$/);
});

test('what there is no room for comes with the next poll, in order', async (t) => {
  const { port, hub } = await serve(t, { limits: { sendHighWaterMark: 10_000, maxQueuedBytes: 10_000 } });
  for (let number = 0; number < 100; number++) await hub.channel('a').publish(`${number} ${'x'.repeat(1000)}`);
  const heard: number[] = [];
  let since: unknown = 'all';
  for (let polls = 0; heard.length < 100; polls++) {
    assert.ok(polls < 15);
    const commands = [{ type: 'subscribe', channel: 'a', since }];
    const publications = (await messages(port, { hello, commands }, WAIT)).filter(({ type }) => type === 'publication');
    assert.ok(publications.length < 15);
    for (const { data } of publications) heard.push(Number.parseInt(data as string, 10));
    since = publications.at(-1)!['position'];
  }
  assert.deepEqual(
    heard,
    Array.from({ length: 100 }, (_, number) => number),
  );
});

test('?wait=0 gives what there is at once', async (t) => {
  const { port, hub } = await serve(t);
  await hub.channel('a').publish(1);
  const commands = [{ type: 'subscribe', channel: 'a', since: 'all' }];
  assert.deepEqual(types(await messages(port, { hello, commands }, { query: '?wait=0' })), [
    'welcome',
    'subscribed',
    'publication',
  ]);
  const quiet = await messages(port, { hello, commands: [{ type: 'subscribe', channel: 'b' }] }, { query: '?wait=0' });
  assert.deepEqual(types(quiet), ['welcome', 'subscribed']);
});

test('a poll answers all commands, however long the broker takes and however short the wait is', async (t) => {
  const broker = new SlowBroker();
  const { port } = await serve(t, { broker });
  const commands = [
    { type: 'publish', id: 1, channel: 'a', data: 1 },
    { type: 'subscribe', id: 2, channel: 'a' },
  ];
  const answered = messages(port, { hello, commands }, { query: '?wait=0' });
  await broker.asked;
  setTimeout(broker.goOn, 20);
  assert.deepEqual(types(await answered), ['welcome', 'published', 'subscribed']);
});

for (const [what, command] of [
  ['a position of another epoch', { type: 'subscribe', channel: 'a', since: 'gone.7' }],
  ['a channel that one may not follow', { type: 'subscribe', channel: 'closed' }],
  ['a command that asks', { type: 'history', channel: 'a' }],
  ['no command', undefined],
] as const) {
  test(`a poll with ${what} is answered at once`, async (t) => {
    const { port } = await serve(t, {
      namespaces: [
        { match: 'closed', subscribe: 'nobody' },
        { match: '*', publish: 'anyone' },
      ],
    });
    const before = performance.now();
    await messages(port, { hello, commands: command === undefined ? [] : [command] }, WAIT);
    assert.ok(performance.now() - before < 5000);
  });
}

test('the newer poll of a session takes the place of the older, which is told so', async (t) => {
  const site = await serve(t);
  const [welcome] = await messages(site.port, { hello });
  const body = { hello: { ...hello, session: welcome!['session'] }, commands: [{ type: 'subscribe', channel: 'a' }] };
  const older = messages(site.port, body, WAIT);
  await followed(site);
  const newer = messages(site.port, body, WAIT);
  const told = await older;
  assert.deepEqual(types(told), ['welcome', 'subscribed', 'bye']);
  assert.deepEqual([told[2]!['code'], told[2]!['retry']], ['PB_REQUEST_BUSY', true]);
  await site.until(() => site.hub.counts().subscriptions === 1 && site.hub.counts().accepted === 2);
  assert.equal(site.hub.counts().open, 1);
  await site.hub.channel('a').publish(1);
  assert.deepEqual(types(await newer), ['welcome', 'subscribed', 'publication']);
});

test('who polls stays present between two polls, and nobody is told that it comes and goes', async (t) => {
  const site = await serve(t, { namespaces: [{ match: '*', publish: 'anyone', presence: true, joinLeave: true }] });
  const { socket, welcome: other } = await Socket.enter(t, site.port);
  await socket.ask({ type: 'subscribe', channel: 'a' });
  const [welcome] = await messages(site.port, { hello });
  const session = { ...hello, session: welcome!['session'] };
  let since: unknown;
  for (let round = 0; round < 3; round++) {
    const poll = messages(
      site.port,
      { hello: session, commands: [{ type: 'subscribe', channel: 'a', ...(since === undefined ? {} : { since }) }] },
      WAIT,
    );
    await followed(site, 2);
    await site.hub.channel('a').publish(round);
    const publication = (await poll).find(({ type }) => type === 'publication')!;
    assert.equal(publication['data'], round);
    since = publication['position'];
    const members = (await site.hub.members('a')).map(({ client }) => client).sort();
    assert.deepEqual(members, [welcome!['client'], other['client']].sort());
  }
  await socket.ask({ type: 'presence', channel: 'a' });
  const told = socket.feed.all.filter(({ type, client }) => type !== 'presence' && client === welcome!['client']);
  assert.deepEqual(types(told), ['join']);
});

test('a poll waits, though nobody else follows a channel that tells who comes and goes', async (t) => {
  const { port } = await serve(t, {
    namespaces: [{ match: '*', presence: true, joinLeave: true }],
    limits: { maxWait: 100 },
  });
  const commands = [{ type: 'subscribe', channel: 'a' }];
  const [welcome] = await messages(port, { hello, commands }, WAIT);
  const again = await messages(port, { hello: { ...hello, session: welcome!['session'] }, commands }, WAIT);
  assert.deepEqual(types(again), ['welcome', 'subscribed']);
});

test('a client that goes away ends its poll, and counts as present a while longer', async (t) => {
  const site = await serve(t);
  const outgoing = request({
    port: site.port,
    path: '/connect?wait=20',
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
  });
  outgoing.on('error', () => {});
  outgoing.end(JSON.stringify({ hello, commands: [{ type: 'subscribe', channel: 'a' }] }));
  await followed(site);
  outgoing.destroy();
  await site.until(() => site.hub.counts().open === 0);
  assert.equal((await site.hub.members('a')).length, 1);
});

test('a poll that waits is answered when the server goes', async (t) => {
  const site = await serve(t);
  const answered = messages(site.port, { hello, commands: [{ type: 'subscribe', channel: 'a' }] }, WAIT);
  await followed(site);
  await site.hub.drain(0);
  const list = await answered;
  assert.deepEqual(types(list), ['welcome', 'subscribed', 'bye']);
  assert.equal(list[2]!['code'], 'PB_HUB_DRAINING');
});
