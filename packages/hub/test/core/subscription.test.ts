import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, MemoryBroker } from '@pulsebeacon/hub';
import { parseSince, type Publication, readPosition } from '@pulsebeacon/wire';
import { turn } from './support/delayed-broker.ts';
import { connect } from './support/test-outlet.ts';

const text = (data: string) => ({ kind: 'text', contentType: 'text/plain', data }) as const;

async function publish(hub: Hub, channel: string, ...all: string[]): Promise<string[]> {
  const positions: string[] = [];
  for (const data of all) positions.push((await hub.publish(channel, text(data))).position);
  return positions;
}

test('without since, a client is told where the channel is and hears what comes from then on', async () => {
  const hub = new Hub();
  const [before] = await publish(hub, 'c', 'before');
  const outlet = connect(hub);
  await outlet.client.execute({ type: 'subscribe', id: 7, channel: 'c', echo: true });
  await publish(hub, 'c', 'after');
  assert.deepEqual(outlet.messages, [{ type: 'subscribed', id: 7, channel: 'c', position: before, recovered: true }]);
  assert.deepEqual(outlet.texts, ['after']);
  await hub.close();
});

test('with a position, a duration or all, what was missed comes first, over as many pages as it takes', async () => {
  const hub = new Hub();
  const all = Array.from({ length: 250 }, (_, index) => String(index));
  const positions = await publish(hub, 'c', ...all);
  for (const [since, from] of [
    ['all', 0],
    ['10m', 0],
    [positions[99]!, 100],
    [positions[249]!, 250],
  ] as const) {
    const outlet = connect(hub);
    await outlet.client.subscribe('c', { since: parseSince(since) });
    await turn();
    assert.deepEqual(outlet.texts, all.slice(from), since);
    assert.equal(outlet.of('subscribed')[0]!.recovered, true);
  }
  assert.equal(hub.counts().recovered, 2);
  await hub.close();
});

test('a position of another epoch, of the future, or behind what is kept: not recovered, with the state as it stands', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', history: { size: 2 } }] });
  const positions = await publish(hub, 'c', '0', '1', '2', '3');
  const { epoch, offset } = readPosition(positions[3]!)!;
  for (const since of ['elsewhere.1', `${epoch}.${offset + 1}`, positions[0]!]) {
    const outlet = connect(hub);
    await outlet.client.subscribe('c', { since: parseSince(since) });
    const [subscribed] = outlet.of('subscribed');
    assert.equal(subscribed!.recovered, false, since);
    assert.equal(subscribed!.position, positions[3]);
    assert.equal(subscribed!.state!.data, '3');
    assert.deepEqual(outlet.texts, []);
  }
  const outlet = connect(hub);
  await outlet.client.subscribe('empty', { since: parseSince('elsewhere.1') });
  assert.equal(outlet.of('subscribed')[0]!.state, null);
  assert.equal(hub.counts().notRecovered, 4);
  await hub.close();
});

test('state and history hold payloads as they were published: white space, and numbers that no double holds', async () => {
  const hub = new Hub();
  const data = '{ "n": 12345678901234567890.10,\r\n "s": "\\u00e9" }';
  await hub.publish('c', { kind: 'json', contentType: 'application/json', data });
  const written = '"data":{ "n": 12345678901234567890.10,  "s": "\\u00e9" }'.replace(',  ', ',  ');
  const outlet = connect(hub);
  await outlet.client.subscribe('c', { since: parseSince('elsewhere.1') });
  await outlet.client.execute({ type: 'history', channel: 'c' });
  const [subscribed, history] = outlet.json;
  for (const json of [subscribed!, history!]) {
    assert.ok(json.includes(written), json);
    JSON.parse(json);
  }
  assert.deepEqual(JSON.parse(subscribed!), outlet.messages[0]);
  assert.deepEqual(JSON.parse(history!), JSON.parse(JSON.stringify(outlet.messages[1])));
  await hub.close();
});

test('where a publication comes in a new epoch, continuity is not assumed: the client is told that it is not recovered', async () => {
  const broker = new MemoryBroker();
  const hub = new Hub({ broker });
  const outlet = connect(hub);
  await outlet.client.subscribe('c');
  await publish(hub, 'c', 'live');
  const [channel] = hub.activeChannels;
  const other = new MemoryBroker();
  other.publish('c', text('anew'), { retention: { size: 9, ageMs: 9999 }, idempotencyMs: 1 });
  const page = other.history('c', { limit: 1 });
  broker.history = (name, query) => other.history(name, query);
  channel!.publication(page.publications[0]!);
  await turn();
  const [, again] = outlet.of('subscribed');
  assert.deepEqual([again!.recovered, again!.state!.data], [false, 'anew']);
  assert.deepEqual(outlet.texts, ['live']);
  channel!.publication({ ...(page.publications[0] as Publication), offset: 9, data: 'goes on' });
  assert.deepEqual(outlet.texts, ['live', 'goes on']);
  await hub.close();
});

test('spill goes on from where the client was, though nothing had come live before it became slow', async () => {
  const hub = new Hub({
    namespaces: [
      { match: 'spill', slowConsumer: 'spill' },
      { match: 'other', slowConsumer: 'spill' },
    ],
  });
  await publish(hub, 'spill', 'old');
  const outlet = connect(hub);
  await outlet.client.subscribe('spill');
  await outlet.client.subscribe('other');
  outlet.stall();
  await publish(hub, 'other', 'fills');
  await publish(hub, 'spill', 'new');
  outlet.read();
  await turn();
  assert.deepEqual(outlet.texts, ['fills', 'new']);
  await hub.close();
});

test('more than can wait in memory while a client catches up is read from the history', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', history: { size: 1000 } }] });
  const outlet = connect(hub);
  outlet.stall();
  await publish(hub, 'c', '0');
  await outlet.client.subscribe('c', { since: 'all' });
  const all = Array.from({ length: 600 }, (_, index) => String(index + 1));
  await publish(hub, 'c', ...all);
  assert.deepEqual(outlet.texts, ['0']);
  outlet.read();
  await turn();
  assert.deepEqual(outlet.texts, ['0', ...all]);
  await hub.close();
});

test('without echo, a client does not hear itself, live or from the history', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', publish: 'anyone' }] });
  const one = connect(hub);
  const other = connect(hub);
  const say = (outlet: typeof one, data: string) =>
    outlet.client.execute({ type: 'publish', channel: 'c', data, reach: false });
  await say(one, 'mine');
  await say(other, 'theirs');
  await one.client.subscribe('c', { echo: false, since: 'all' });
  await say(one, 'mine');
  await say(other, 'theirs');
  assert.deepEqual(one.texts, ['"theirs"', '"theirs"']);
  await hub.close();
});

test('conflate: the newest of each key waits, in the order of offsets, and the client is told of the others first', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', slowConsumer: 'conflate' }] });
  const outlet = connect(hub);
  await outlet.client.subscribe('c');
  outlet.stall();
  for (const [data, key] of [
    ['0', 'a'],
    ['1', 'a'],
    ['2', 'b'],
    ['3', 'a'],
    ['4', undefined],
    ['5', undefined],
  ] as const)
    await hub.publish('c', { ...text(data), key });
  outlet.read();
  assert.deepEqual(
    outlet.log.slice(1).map((entry) => ('type' in entry ? entry : entry.data)),
    ['0', { type: 'skipped', channel: 'c', count: 2 }, '2', '3', '5'],
  );
  assert.equal(hub.counts().skipped, 2);
  await publish(hub, 'c', '6');
  assert.equal(outlet.texts.at(-1), '6');
  await hub.close();
});

test('conflate: however many keys there are, what waits has an end', async () => {
  const limits = { maxQueuedBytes: 3000, sendHighWaterMark: 100 };
  const hub = new Hub({ limits, namespaces: [{ match: '*', slowConsumer: 'conflate' }] });
  const outlet = connect(hub);
  await outlet.client.subscribe('c');
  outlet.stall();
  for (let index = 0; index <= 100; index++) await hub.publish('c', { ...text(String(index)), key: `k${index}` });
  outlet.read();
  assert.equal(outlet.of('skipped')[0]!.count + outlet.texts.length, 101);
  assert.equal(outlet.texts.at(-1), '100');
  assert.ok(outlet.texts.length < 20);
  await hub.close();
});

test('drop: publications are left out while the client is slow, and counted once', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', slowConsumer: 'drop' }] });
  const outlet = connect(hub);
  await outlet.client.subscribe('c');
  for (let round = 0; round < 2; round++) {
    outlet.stall();
    await publish(hub, 'c', 'queued', 'skipped', 'skipped');
    outlet.read();
  }
  assert.deepEqual(
    outlet.of('skipped').map(({ count }) => count),
    [2, 2],
  );
  assert.deepEqual(outlet.texts, ['queued', 'queued']);
  const { reach } = await hub.publish('c', text('sent'), { reach: true });
  assert.deepEqual(reach, { sent: 1, queued: 0, skipped: 0 });
  await hub.close();
});

test('a client that is ended from within a delivery is told nothing more, and others are', async () => {
  const hub = new Hub();
  const leaving = connect(hub);
  const staying = connect(hub);
  for (const { client } of [leaving, staying]) await client.subscribe('c');
  leaving.onPublication = () => leaving.client.closed();
  await publish(hub, 'c', '0', '1');
  assert.deepEqual([leaving.texts, staying.texts], [['0'], ['0', '1']]);

  const catching = connect(hub);
  catching.onPublication = () => catching.client.unsubscribe('c');
  await catching.client.subscribe('c', { since: 'all' });
  assert.deepEqual(catching.texts, ['0']);
  assert.equal(hub.counts().subscriptions, 1);
  await hub.close();
});

test('what an outlet throws ends that subscription alone', async () => {
  const failures: unknown[] = [];
  const hub = new Hub({ hooks: { failed: (error) => failures.push(error) } });
  const broken = connect(hub);
  const other = connect(hub);
  for (const { client } of [broken, other]) await client.subscribe('c');
  broken.onPublication = () => {
    throw new Error('the transport is broken');
  };
  await publish(hub, 'c', '0', '1');
  assert.deepEqual(other.texts, ['0', '1']);
  assert.deepEqual(broken.texts, ['0']);
  assert.equal(broken.of('unsubscribed').length, 1);
  assert.equal(failures.length, 1);
  await hub.close();
});

test('a channel is followed once, and unsubscribed from once', async () => {
  const hub = new Hub({ limits: { maxChannelsPerClient: 1 } });
  const outlet = connect(hub);
  const { client } = outlet;
  await client.execute({ type: 'subscribe', channel: 'c', echo: true });
  await client.execute({ type: 'subscribe', id: 1, channel: 'c', echo: true });
  await client.execute({ type: 'subscribe', id: 2, channel: 'd', echo: true });
  await client.execute({ type: 'unsubscribe', id: 3, channel: 'c' });
  await client.execute({ type: 'unsubscribe', id: 4, channel: 'c' });
  assert.deepEqual(
    outlet.messages.map((message) => ('code' in message ? message.code : message.type)),
    ['subscribed', 'PB_ALREADY_SUBSCRIBED', 'PB_TOO_MANY_CHANNELS', 'unsubscribed', 'PB_NOT_SUBSCRIBED'],
  );
  assert.equal(hub.counts().channels, 0);
  await hub.close();
});
