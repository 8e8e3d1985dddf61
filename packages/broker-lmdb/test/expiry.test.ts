// What goes from disk, when, and what is proved afterwards.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LmdbBroker } from '@pulsebeacon/broker-lmdb';
import type { BrokerSink, PublishOptions, Receipt } from '@pulsebeacon/hub';
import type { Store, Table } from '#dist/store.js';
import { crashed, storeOf } from './support/crash.ts';
import { temporaryFolder } from './support/folder.ts';

const deaf: BrokerSink = { publication() {}, gap() {}, signal() {} };
const keeping = (size: number, ageMs: number): PublishOptions => ({ retention: { size, ageMs }, idempotencyMs: 500 });

function publish(broker: LmdbBroker, channel: string, data: string, options: PublishOptions): Promise<Receipt> {
  return broker.publish(channel, { kind: 'text', contentType: 'text/plain', data }, options);
}

const since = ({ epoch, offset }: Receipt, more = 0) => ({
  since: { position: { epoch, offset: offset + more } },
  limit: 10_000,
});

function count(table: Table): number {
  return [...table.getKeys({})].length;
}

function onDisk({ segments, channels, once, held, due, floors }: Store): Record<string, number> {
  const tables = { segments, channels, once, leases: held, due, floors };
  return Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, count(table)]));
}

/** A broker whose time is the test's, and its sweep. */
async function opened(
  t: TestContext,
): Promise<{ broker: LmdbBroker; path: string; later: (ms: number) => Promise<void> }> {
  t.mock.timers.enable({ apis: ['Date', 'setInterval'], now: 1_000_000 });
  const path = await temporaryFolder(t);
  const broker = await LmdbBroker.open({ path });
  const later = async (ms: number): Promise<void> => {
    t.mock.timers.tick(ms);
    // Two, since what ends with one sweep goes from disk with it or the next; then whatever has begun is over.
    t.mock.timers.tick(1000);
    await broker.release('a fence');
    t.mock.timers.tick(1000);
    await broker.release('a fence');
  };
  return { broker, path, later };
}

test('what has expired goes from disk: channels, keys, claims, leases', async (t) => {
  const { broker, path, later } = await opened(t);
  let last: Receipt | undefined;
  for (let i = 0; i < 30; i++) {
    last = await publish(broker, `channel-${i}`, 'x', { ...keeping(10, 500), idempotencyKey: 'key' });
    await broker.claim(`claim-${i}`, 500);
    await broker.lease(`lease-${i}`, 500, '');
  }
  await publish(broker, 'lasting', 'x', keeping(10, 60_000));
  broker.subscribe('channel-0', deaf);
  const before = onDisk(storeOf(broker));
  assert.deepEqual([before['segments'], before['channels'], before['once'], before['leases']], [31, 31, 60, 30]);
  await later(3000);
  const { segments, channels, once, leases, due } = onDisk(storeOf(broker));
  assert.deepEqual({ segments, channels, once, leases, due }, { segments: 1, channels: 2, once: 0, leases: 0, due: 2 });
  broker.unsubscribe('channel-0', deaf);
  await later(120_000);
  const { floors, ...rest } = onDisk(storeOf(broker));
  assert.deepEqual(rest, { segments: 0, channels: 0, once: 0, leases: 0, due: 0 });
  assert(floors! > 0);
  await crashed(broker);

  // The floors are there after a crash too: no offset is given twice, and old positions prove nothing.
  const again = await LmdbBroker.open({ path });
  assert.equal(again.history('channel-29', since(last!)).complete, true);
  const next = await publish(again, 'channel-29', 'y', keeping(10, 60_000));
  assert(next.offset > last!.offset);
  assert.equal(again.history('channel-29', since(last!)).complete, true);
  assert.equal(again.history('channel-29', since(last!, -1)).complete, false);
  await again.close();
});

test('a lease that is renewed when it has just run out stays', async (t) => {
  const { broker, path, later } = await opened(t);
  await broker.lease('node', 500, 'old');
  t.mock.timers.tick(1000);
  await broker.lease('node', 60_000, 'new');
  await later(1000);
  await crashed(broker);
  const again = await LmdbBroker.open({ path });
  assert.deepEqual(
    again.leases('').map(({ value }) => value),
    ['new'],
  );
  await again.close();
});

test('a claim that is taken anew lives as long as it is to, whatever the agenda says of the first', async (t) => {
  const { broker, later } = await opened(t);
  assert.equal(await broker.claim('ticket', 500), true);
  t.mock.timers.setTime(1_000_600);
  assert.equal(await broker.claim('ticket', 60_000), true);
  await later(2000);
  assert.equal(await broker.claim('ticket', 60_000), false);
  await later(70_000);
  assert.equal(onDisk(storeOf(broker))['once'], 0);
  await broker.close();
});

test('a long history is removed from disk as it is dropped, and does not grow', async (t) => {
  const { broker } = await opened(t);
  let first: Receipt | undefined;
  for (let round = 0; round < 60; round++) {
    const group = Array.from({ length: 50 }, (_, i) => publish(broker, 'news', `${round}.${i}`, keeping(100, 60_000)));
    first ??= (await Promise.all(group))[0];
    await Promise.all(group);
  }
  assert(onDisk(storeOf(broker))['segments']! <= 6);
  const { publications, top } = broker.history('news', { since: 'all', limit: 10_000 });
  assert.deepEqual([publications.length, publications[0]!.data, top.offset], [100, '58.0', 3000]);
  assert.equal(broker.history('news', since(first!)).complete, false);
  assert.equal(broker.history('news', since(first!, 2899)).complete, true);
  await broker.close();
});

test('a history that is too long for memory is read from disk, from anywhere', async (t) => {
  const path = await temporaryFolder(t);
  const broker = await LmdbBroker.open({ path, cacheBytes: 100_000 });
  t.after(() => broker.close());
  const options = keeping(10_000, 60_000);
  const receipts = await Promise.all(
    Array.from({ length: 6000 }, (_, i) => publish(broker, 'news', String(i), options)),
  );
  for (const from of [0, 1, 255, 256, 257, 4095, 4096, 5990, 5998]) {
    const page = broker.history('news', { ...since(receipts[from]!), limit: 5 });
    const expected = Array.from({ length: Math.min(5, 5999 - from) }, (_, i) => String(from + 1 + i));
    assert.deepEqual(
      page.publications.map(({ data }) => data),
      expected,
    );
    assert.deepEqual([page.complete, page.more], [true, from + 6 < 6000]);
  }
  assert.deepEqual(
    broker.history('news', { limit: 2 }).publications.map(({ data }) => data),
    ['5998', '5999'],
  );
  assert.equal(broker.history('news', { since: { time: receipts[0]!.time }, limit: 10_000 }).publications.length, 6000);
});
