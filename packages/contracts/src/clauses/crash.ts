import assert from 'node:assert/strict';
import type { Broker } from '@pulsebeacon/hub';
import type { BrokerStore, Clause } from '../support/clause.ts';
import { after, KEEP, kept, keeping, numbered, publishAll, publishText, textsOf } from '../support/publications.ts';
import { untilTrue } from '../support/until.ts';

async function crash(store: BrokerStore): Promise<Broker> {
  assert(store.crash, 'a durable broker says how it crashes');
  return await store.crash();
}

/** What holds for brokers that promise it. */
export const CRASH: readonly Clause[] = [
  {
    name: 'after a crash, what has a receipt is there, and the epoch and the order go on',
    async check(store) {
      const broker = await store.connect();
      const receipts = await publishAll(broker, 'news', numbered(10), keeping(5));
      await publishAll(broker, 'empty', ['1'], keeping(0));
      const before = await kept(broker, 'empty');
      const again = await crash(store);
      const page = await kept(again, 'news');
      assert.deepEqual(textsOf(page), numbered(10).slice(5));
      assert.deepEqual(
        page.publications.map(({ epoch, offset, time }) => [epoch, offset, time]),
        receipts.slice(5).map(({ epoch, offset, time }) => [epoch, offset, time]),
      );
      assert.equal((await after(again, 'news', receipts[4]!)).complete, true);
      assert.equal((await after(again, 'news', receipts[3]!)).complete, false);
      assert.equal((await after(again, 'empty', before.top)).complete, true);
      const next = await publishText(again, 'news', '11');
      assert.equal(next.epoch, receipts[0]!.epoch);
      assert(next.offset > receipts[9]!.offset);
      assert.deepEqual(textsOf(await after(again, 'news', receipts[8]!)), ['10', '11']);
    },
  },
  {
    name: 'after a crash, idempotency keys and claims are still taken',
    async check(store) {
      const broker = await store.connect();
      const options = { ...KEEP, idempotencyKey: 'key' };
      const first = await publishText(broker, 'news', 'first', options);
      await broker.claim('ticket', 60_000);
      const again = await crash(store);
      assert.deepEqual({ ...(await publishText(again, 'news', 'again', options)) }, { ...first, duplicate: true });
      assert.equal(await again.claim('ticket', 60_000), false);
      assert.equal(await again.claim('another', 60_000), true);
    },
  },
  {
    name: 'after a crash, presence heals: leases hold until their time, and end',
    async check(store) {
      const broker = await store.connect();
      await broker.lease('presence/a', 60_000, 'value');
      await broker.lease('presence/b', 60_000, '');
      await broker.release('presence/b');
      await broker.lease('presence/c', 250, '');
      const again = await crash(store);
      await untilTrue(async () => (await again.leases('presence/c')).length === 0);
      const leases = await again.leases('presence/');
      assert.deepEqual(
        leases.map(({ key, value }) => [key, value]),
        [['presence/a', 'value']],
      );
      await again.release('presence/a');
      assert.deepEqual(await again.leases(''), []);
    },
  },
];
