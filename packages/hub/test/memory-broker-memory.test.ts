// What the memory broker lets go of, and what it proves afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BrokerSink, MemoryBroker, type PublishOptions, type Receipt } from '@pulsebeacon/hub';
import type { Publication } from '@pulsebeacon/wire';

const keeping = (size: number, ageMs: number): PublishOptions => ({ retention: { size, ageMs }, idempotencyMs: 1000 });

function publish(broker: MemoryBroker, channel: string, data: string, options = keeping(100, 60_000)): Receipt {
  return broker.publish(channel, { kind: 'text', contentType: 'text/plain', data }, options);
}

const since = ({ epoch, offset }: Receipt) => ({ since: { position: { epoch, offset } }, limit: 100 });
const deaf: BrokerSink = { publication() {}, gap() {}, signal() {} };

/** How many channels, receipts, claims and leases the broker has in memory. */
function remembered(broker: MemoryBroker): number[] {
  const { channels, receipts, claims, held } = broker as unknown as Record<string, { size: number }>;
  return [channels!.size, receipts!.size, claims!.size, held!.size];
}

test('sinks and history are given the very same publication', () => {
  const broker = new MemoryBroker();
  const heard: Publication[] = [];
  broker.subscribe('news', { ...deaf, publication: (publication) => heard.push(publication) });
  publish(broker, 'news', 'x');
  assert.equal(broker.history('news', { limit: 1 }).publications[0], heard[0]);
});

test('channels that nobody follows are forgotten when what they kept has expired, and so are keys, claims and leases', (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setInterval'], now: 1_000_000 });
  const broker = new MemoryBroker();
  for (let i = 0; i < 50; i++) {
    publish(broker, `channel-${i}`, 'x', { ...keeping(10, 500), idempotencyKey: 'key' });
    broker.claim(`claim-${i}`, 500);
    broker.lease(`lease-${i}`, 500, '');
  }
  const last = publish(broker, 'lasting', 'x', keeping(10, 60_000));
  broker.subscribe('channel-0', deaf);
  assert.deepEqual(remembered(broker), [51, 50, 50, 50]);
  t.mock.timers.tick(2000);
  assert.deepEqual(remembered(broker), [2, 0, 0, 0]);
  assert.equal(broker.history('lasting', since(last)).complete, true);
  broker.unsubscribe('channel-0', deaf);
  t.mock.timers.tick(62_000);
  assert.deepEqual(remembered(broker), [0, 0, 0, 0]);
});

test('a channel that was forgotten and comes back gives no offset twice, and proves no more than it knows', (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setInterval'], now: 1_000_000 });
  const broker = new MemoryBroker();
  const [first, second] = [
    publish(broker, 'news', '1', keeping(9, 500)),
    publish(broker, 'news', '2', keeping(9, 500)),
  ];
  t.mock.timers.tick(2000);
  assert.equal(remembered(broker)[0], 0);
  assert.equal(broker.history('news', since(first)).complete, false);
  assert.equal(broker.history('news', since(second)).complete, true);
  assert.equal(broker.history('news', { limit: 1 }).top.offset, second.offset);
  const third = publish(broker, 'news', '3');
  assert(third.offset > second.offset);
  assert.deepEqual(
    [first, second, third].map((receipt) => broker.history('news', since(receipt)).complete),
    [false, true, true],
  );
});

test('channels that keep nothing take no memory', () => {
  const broker = new MemoryBroker();
  for (let i = 0; i < 100; i++) publish(broker, `channel-${i}`, 'x', keeping(0, 1000));
  assert.deepEqual(remembered(broker), [0, 0, 0, 0]);
});

test('beyond maxBytes the oldest of all channels go, and positions before them prove nothing', () => {
  // Ten publications of 744 bytes and their 256, in channels of 640 bytes each.
  const broker = new MemoryBroker({ maxBytes: 16_400 });
  const payload = 'x'.repeat(744);
  const receipts = Array.from({ length: 30 }, (_, i) => publish(broker, `channel-${i % 20}`, payload));
  const lengths = Array.from(
    { length: 20 },
    (_, i) => broker.history(`channel-${i}`, { limit: 100 }).publications.length,
  );
  assert.deepEqual(lengths, [...Array.from({ length: 10 }, () => 1), ...Array.from({ length: 10 }, () => 0)]);
  assert.equal(remembered(broker)[0], 10);
  assert.equal(broker.history('channel-0', since(receipts[0]!)).complete, true);
  assert.equal(
    broker.history('channel-0', { since: { position: { ...receipts[0]!, offset: 0 } }, limit: 1 }).complete,
    false,
  );
  const tooLarge = publish(broker, 'large', 'x'.repeat(20_000));
  assert.equal(broker.history('large', { limit: 1 }).publications.length, 0);
  assert.equal(broker.history('large', since(tooLarge)).complete, true);
});

test('a clock that goes back does not turn the order of times around', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  t.mock.method(performance, 'now', () => 0);
  const broker = new MemoryBroker();
  const first = publish(broker, 'news', '1');
  t.mock.timers.setTime(900_000);
  assert.equal(publish(broker, 'news', '2').time, first.time);
});

test('a clock that is set back does not stop what is to expire', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  let monotonic = 0;
  t.mock.method(performance, 'now', () => monotonic);
  const broker = new MemoryBroker();
  t.mock.timers.setTime(900_000_000);
  const { time } = publish(broker, 'news', 'x', { ...keeping(10, 500), idempotencyKey: 'key' });
  t.mock.timers.setTime(1_000_000);
  assert.equal(publish(broker, 'news', 'y', keeping(10, 500)).time, time);
  monotonic = 2000;
  assert.equal(publish(broker, 'sports', 'z').time, time + 2000);
  assert.equal(broker.history('news', { limit: 10 }).publications.length, 0);
  (broker as unknown as { sweep(): void }).sweep();
  assert.deepEqual(remembered(broker), [1, 0, 0, 0]);
});

test('channels count, too: many of them with little in each do not take more memory than there may be', () => {
  const broker = new MemoryBroker({ maxBytes: 900_000 });
  for (let i = 0; i < 5000; i++) publish(broker, `channel-${i}`, 'x');
  const [channels] = remembered(broker);
  assert(channels! > 900 && channels! <= 1004, `${channels} channels`);
  for (let i = 0; i < 900; i++) publish(broker, `channel-${i}`, 'x', keeping(1, 60_000));
  assert(remembered(broker)[0]! <= 1004);
  // What is held without a publication drops nothing that is not there.
  const small = new MemoryBroker({ maxBytes: 1 });
  publish(small, 'news', 'x');
  assert.deepEqual(small.history('news', { limit: 1 }).publications, []);
});
