import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub } from '@pulsebeacon/hub';
import { connect } from './support/test-outlet.ts';

const PUBLICATION = { kind: 'text', contentType: 'text/plain', data: 'x' } as const;
const limits = { sendHighWaterMark: 100, maxQueuedBytes: 1000, writeTimeout: 10_000 };

test('a client with more to read than it may have is closed with 1013, once; healthy peers are let alone', async () => {
  const limited: string[] = [];
  const hub = new Hub({ limits, hooks: { limited: (code) => limited.push(code) } });
  const slow = connect(hub);
  const healthy = connect(hub);
  for (const outlet of [slow, healthy]) {
    outlet.highWaterMark = 100;
    await outlet.client.subscribe('c');
  }
  slow.goes = false;
  slow.stall();
  for (let index = 0; index < 30; index++) await hub.publish('c', PUBLICATION);
  assert.equal(slow.closedWith!.code, 'PB_SLOW_SUBSCRIBER');
  assert.equal(slow.closedWith!.entry.closeCode, 1013);
  assert.equal(slow.texts.length, 11);
  assert.deepEqual(limited, ['PB_SLOW_SUBSCRIBER']);
  assert.equal(healthy.texts.length, 30);
  assert.equal(hub.counts().congested, 0);
  slow.client.closed();
  await hub.close();
});

test('one publication that is larger than the limit does not close a client that reads', async () => {
  const hub = new Hub({ limits });
  const outlet = connect(hub);
  await outlet.client.subscribe('c');
  outlet.size = 5000;
  outlet.stall();
  await hub.publish('c', PUBLICATION);
  assert.equal(outlet.closedWith, undefined);
  outlet.read();
  await hub.publish('c', PUBLICATION);
  assert.equal(outlet.texts.length, 2);
  await hub.close();
});

test('replies count, too: a client that asks and does not read is closed', async () => {
  const hub = new Hub({ limits });
  const outlet = connect(hub);
  outlet.stall();
  for (let index = 0; index < 30; index++) await outlet.client.execute({ type: 'history', channel: 'c' });
  assert.equal(outlet.of('history').length, 11);
  assert.equal(outlet.closedWith!.code, 'PB_SLOW_SUBSCRIBER');
  await hub.close();
});

test('a client that reads nothing for the time it has is closed; one that reads, while more and more waits, is not', async () => {
  const hub = new Hub({ limits });
  const start = performance.now();
  const stuck = connect(hub);
  const reading = connect(hub);
  for (const outlet of [stuck, reading]) {
    await outlet.client.subscribe('c');
    outlet.stall();
  }
  for (let second = 1; second <= 9; second++) {
    reading.queuedBytes -= Math.min(40, reading.queuedBytes);
    if (second < 8) await hub.publish('c', PUBLICATION);
    for (const { client } of [stuck, reading]) if (client.isCongested) client.checkProgress(start + second * 1000);
  }
  assert.equal(stuck.closedWith, undefined, 'it has until 10 s after it became slow');
  stuck.client.checkProgress(start + 12_000);
  reading.client.checkProgress(start + 12_000);
  assert.match(stuck.closedWith!.message, /not read anything for 10000 ms/);
  assert.equal(reading.closedWith, undefined);
  await hub.close();
});

for (const slowConsumer of ['drop', 'conflate', 'spill'] as const) {
  test(`${slowConsumer}: a client may read as slowly as it likes, and little waits for it`, async () => {
    const hub = new Hub({ limits, namespaces: [{ match: '*', slowConsumer }] });
    const outlet = connect(hub);
    await outlet.client.subscribe('c');
    outlet.stall();
    for (let index = 0; index < 100; index++) await hub.publish('c', PUBLICATION);
    outlet.client.checkProgress(performance.now() + 1e6);
    assert.equal(outlet.closedWith, undefined);
    assert.equal(outlet.texts.length, 1);
    await hub.close();
  });
}
