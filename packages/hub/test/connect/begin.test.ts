// What the URL of a WebSocket says before its first message.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { serve, Socket } from './support/site.ts';

const hello = { versions: [1] };
const open = (t: TestContext, port: number, begin: unknown): Promise<Socket> =>
  Socket.open(t, port, {}, `?begin=${encodeURIComponent(typeof begin === 'string' ? begin : JSON.stringify(begin))}`);

test('hello and subscriptions of the URL come before all messages, each with its answer', async (t) => {
  const { port, hub } = await serve(t);
  const { position } = await hub.channel('news').publish(0);
  await hub.channel('news').publish(1);
  const commands = [
    { type: 'subscribe', id: 1, channel: 'news', since: position },
    { type: 'subscribe', id: 2, channel: 'no such name' },
    { type: 'publish', id: 3, channel: 'news', data: 2 },
    { type: 'hello', id: 4, versions: [1] },
    { type: 'subscribe', id: 5, channel: 'other' },
  ];
  const socket = await open(t, port, { hello, commands });
  socket.send({ type: 'publish', id: 6, channel: 'news', data: 3 });
  await socket.feed.next('published');
  const { all } = socket.feed;
  assert.equal(all[0]!.type, 'welcome');
  assert.deepEqual(
    all.filter(({ id }) => id !== undefined).map(({ id, type, code = type }) => [id, code]),
    [
      [2, 'PB_CHANNEL_NAME'],
      [3, 'PB_COMMAND_INVALID'],
      [4, 'PB_COMMAND_INVALID'],
      [1, 'subscribed'],
      [5, 'subscribed'],
      [6, 'published'],
    ],
  );
  assert.deepEqual(
    all.filter(({ type }) => type === 'publication').map(({ data }) => data),
    [1, 3],
  );
  assert.match(String(all.find(({ id }) => id === 3)!['detail']), /^type is "publish": a URL takes subscribe alone/);
  assert.equal((await socket.ask({ type: 'hello', versions: [1] }))['code'], 'PB_HELLO_REPEATED');
});

test('hello in the URL says all that it may say in a message, and all answers can be one', async (t) => {
  const { port, hub } = await serve(t);
  await hub.channel('news').publish(1);
  const commands = [{ type: 'subscribe', channel: 'news', since: 'all' }];
  const begin = JSON.stringify({ hello: { ...hello, id: 7, lines: true }, commands });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/connect?begin=${encodeURIComponent(begin)}`);
  t.after(() => socket.terminate());
  const [data] = (await once(socket, 'message')) as [Buffer];
  const messages = String(data)
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; id?: number });
  assert.deepEqual(
    messages.map(({ type, id }) => [type, id]),
    [
      ['welcome', 7],
      ['subscribed', undefined],
      ['publication', undefined],
    ],
  );
});

for (const [what, begin, code] of [
  ['no JSON', '{"hello"', 'PB_MESSAGE_INVALID'],
  ['nothing', '', 'PB_MESSAGE_INVALID'],
  ['a list', [], 'PB_MESSAGE_INVALID'],
  ['JSON without an end', '['.repeat(5000), 'PB_MESSAGE_DEPTH'],
  ['no hello', { commands: [] }, 'PB_HELLO_MISSING'],
  ['commands that are no list', { hello, commands: {} }, 'PB_MESSAGE_INVALID'],
  ['too many commands', { hello, commands: Array(300).fill(1) }, 'PB_TOO_MANY_COMMANDS'],
  ['a hello without versions', { hello: {} }, 'PB_COMMAND_INVALID'],
  ['versions of another day', { hello: { versions: [99] } }, 'PB_WIRE_VERSION'],
  ['a session', { hello: { ...hello, session: 'a.b' } }, 'PB_COMMAND_INVALID'],
  ['credentials', { hello: { ...hello, authorization: 'Bearer key' } }, 'PB_COMMAND_INVALID'],
] as const) {
  test(`a URL that says ${what} is answered as such a message: ${code}, and the end`, async (t) => {
    const { port, hub } = await serve(t);
    const { feed, closed } = await open(t, port, begin);
    assert.equal((await feed.next())['code'], code);
    assert.equal((await feed.next('bye'))['code'], code);
    assert.equal((await closed).code, 1008);
    assert.deepEqual(hub.counts().refusedByCode, { [code]: 1 });
    assert.equal(hub.counts().open, 0);
  });
}

test('a URL that says it twice is refused', async (t) => {
  const { port } = await serve(t);
  const begin = encodeURIComponent(JSON.stringify({ hello }));
  const { feed } = await Socket.open(t, port, {}, `?begin=${begin}&begin=${begin}`);
  assert.equal((await feed.next())['code'], 'PB_QUERY_INVALID');
});

test('a page of another origin is refused before anybody looks at what its URL says', async (t) => {
  const { port, hub } = await serve(t);
  const begin = `?begin=${encodeURIComponent(JSON.stringify({ hello, commands: [{ type: 'subscribe', channel: 'a' }] }))}`;
  await assert.rejects(Socket.open(t, port, { origin: 'https://evil.example' }, begin), /403/);
  assert.deepEqual(hub.counts().refusedByCode, { PB_ORIGIN_FORBIDDEN: 1 });
});
