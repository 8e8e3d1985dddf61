import assert from 'node:assert/strict';
import type { Clause } from '../support/clause.ts';
import { KEEP, kept, numbered, publishText, textsOf } from '../support/publications.ts';
import { RecordingSink } from '../support/recording-sink.ts';
import { untilTrue } from '../support/until.ts';

export const ONCE: readonly Clause[] = [
  {
    name: 'the same idempotency key again, on any node: nothing is published, and the receipt is that of the first',
    async check(store) {
      const [one, other] = [await store.connect(), await store.connect()];
      const sink = new RecordingSink();
      await one.subscribe('news', sink);
      const options = { ...KEEP, idempotencyKey: 'key' };
      const first = await publishText(one, 'news', 'first', options);
      await publishText(one, 'news', 'between');
      for (const node of [one, other]) {
        assert.deepEqual({ ...(await publishText(node, 'news', 'again', options)) }, { ...first, duplicate: true });
      }
      await publishText(one, 'news', 'end');
      await sink.untilHeard('end');
      assert.deepEqual(sink.heard, ['first', 'between', 'end']);
      assert.deepEqual(textsOf(await kept(one, 'news')), ['first', 'between', 'end']);
    },
  },
  {
    name: 'idempotency keys of different channels are different keys',
    async check(store) {
      const broker = await store.connect();
      const options = { ...KEEP, idempotencyKey: 'key' };
      for (const channel of ['a', 'b', 'a:b']) {
        assert.equal((await publishText(broker, channel, 'x', options)).duplicate, false);
      }
      const keys = ['1', '2', ':key', 'KEY'];
      for (const idempotencyKey of keys) {
        assert.equal((await publishText(broker, 'a', 'x', { ...KEEP, idempotencyKey })).duplicate, false);
      }
    },
  },
  {
    name: 'twins at the same time: one is published, all get its receipt',
    async check(store) {
      const nodes = [await store.connect(), await store.connect()];
      const options = { ...KEEP, idempotencyKey: 'twins' };
      const receipts = await Promise.all(
        numbered(20).map((text, i) => publishText(nodes[i % 2]!, 'news', text, options)),
      );
      assert.equal(receipts.filter(({ duplicate }) => !duplicate).length, 1);
      assert.equal(new Set(receipts.map(({ offset }) => offset)).size, 1);
      assert.equal((await kept(nodes[0]!, 'news')).publications.length, 1);
    },
  },
  {
    name: 'an idempotency key is forgotten after its time, and not before',
    async check(store) {
      const broker = await store.connect();
      const options = { ...KEEP, idempotencyKey: 'key', idempotencyMs: 150 };
      const first = await publishText(broker, 'news', 'first', options);
      await untilTrue(async () => !(await publishText(broker, 'news', 'again', options)).duplicate);
      assert(Date.now() >= first.time + 150);
      assert.deepEqual(textsOf(await kept(broker, 'news')), ['first', 'again']);
    },
  },
  {
    name: 'a claim is taken once, by whoever asks first of all nodes',
    async check(store) {
      const nodes = [await store.connect(), await store.connect()];
      const raced = await Promise.all(numbered(20).map((_, i) => nodes[i % 2]!.claim('ticket', 60_000)));
      assert.equal(raced.filter(Boolean).length, 1);
      assert.equal(await nodes[0]!.claim('ticket', 60_000), false);
      assert.equal(await nodes[1]!.claim('another', 60_000), true);
      assert.equal(await nodes[0]!.claim('another', 60_000), false);
    },
  },
  {
    name: 'a claim can be taken again after its time, and not before',
    async check(store) {
      const broker = await store.connect();
      const start = Date.now();
      assert.equal(await broker.claim('ticket', 150), true);
      await untilTrue(async () => await broker.claim('ticket', 60_000));
      assert(Date.now() >= start + 150);
      assert.equal(await broker.claim('ticket', 60_000), false);
    },
  },
];
