import assert from 'node:assert/strict';
import type { Receipt } from '@pulsebeacon/hub';
import type { Clause } from '../support/clause.ts';
import { kept, numbered, publishAll, publishText, textsOf } from '../support/publications.ts';
import { RecordingSink } from '../support/recording-sink.ts';

const offsets = (receipts: readonly { readonly offset: number }[]): number[] => receipts.map(({ offset }) => offset);
const ascending = (values: readonly number[]): boolean => values.every((value, i) => i === 0 || value > values[i - 1]!);

export const ORDER: readonly Clause[] = [
  {
    name: 'offsets of a channel grow, in one epoch, and receipts say what is kept',
    async check(store) {
      const broker = await store.connect();
      const receipts = await publishAll(broker, 'news', numbered(20));
      assert(ascending([0, ...offsets(receipts)]));
      const page = await kept(broker, 'news');
      assert.deepEqual(textsOf(page), numbered(20));
      for (const [i, publication] of page.publications.entries()) {
        const { epoch, offset, time, duplicate } = receipts[i]!;
        assert.deepEqual([publication.epoch, publication.offset, publication.time], [epoch, offset, time]);
        assert.equal(publication.channel, 'news');
        assert.equal(duplicate, false);
        assert(Math.abs(Date.now() - time) < 60_000, 'the time is milliseconds since 1970');
      }
      const { epoch, offset } = receipts.at(-1)!;
      assert.deepEqual({ ...page.top }, { epoch, offset });
    },
  },
  {
    name: 'publishers at once: all sinks on all nodes hear everything once, in the order that history has',
    async check(store) {
      const nodes = [await store.connect(), await store.connect()];
      const sinks = [new RecordingSink(), new RecordingSink(), new RecordingSink()];
      await nodes[0]!.subscribe('news', sinks[0]!);
      await nodes[1]!.subscribe('news', sinks[1]!);
      await nodes[1]!.subscribe('news', sinks[2]!);
      const publishers = numbered(8, 'publisher ').map(async (name, i) => {
        const receipts: Receipt[] = [];
        for (const text of numbered(25, `${name}: `)) {
          receipts.push(await publishText(nodes[i % nodes.length]!, 'news', text));
        }
        return receipts;
      });
      const receipts = await Promise.all(publishers);
      for (const own of receipts)
        assert(ascending(offsets(own)), 'who publishes one after the other gets them in order');
      assert.equal(new Set(offsets(receipts.flat())).size, 200, 'no offset is given twice');
      await publishText(nodes[0]!, 'news', 'end');
      for (const sink of sinks) await sink.untilHeard('end');
      const order = textsOf(await kept(nodes[0]!, 'news'));
      assert.equal(new Set(order).size, 201);
      for (const sink of sinks) assert.deepEqual(sink.texts, order);
    },
  },
  {
    name: 'publications that do not wait for each other keep the order in which one node was asked',
    async check(store) {
      const broker = await store.connect();
      await Promise.all(numbered(50).map((text) => publishText(broker, 'news', text)));
      assert.deepEqual(textsOf(await kept(broker, 'news')), numbered(50));
    },
  },
  {
    name: 'channels do not mix',
    async check(store) {
      const broker = await store.connect();
      const names = ['a', 'a.b', 'a:b', 'A', 'ä', 'a-', 'b', `${'long'.repeat(60)}`];
      const sinks = await Promise.all(
        names.map(async (name) => {
          const sink = new RecordingSink();
          await broker.subscribe(name, sink);
          return sink;
        }),
      );
      for (const round of numbered(3)) {
        for (const name of names) await publishText(broker, name, `${name} ${round}`);
      }
      for (const [i, name] of names.entries()) {
        assert.deepEqual(sinks[i]!.texts, numbered(3, `${name} `));
        assert.deepEqual(textsOf(await kept(broker, name)), numbered(3, `${name} `));
      }
    },
  },
];
