import assert from 'node:assert/strict';
import type { Clause } from '../support/clause.ts';
import { after, KEEP, keeping, numbered, publishAll, publishText, textsOf } from '../support/publications.ts';
import { RecordingSink } from '../support/recording-sink.ts';

const OTHER_EPOCH = { epoch: 'another', offset: 1 };

/** Runs something while errors that nobody catches are collected instead of ending the process. */
async function collectingErrors(run: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const collect = (error: unknown): void => void errors.push(error);
  process.on('uncaughtException', collect);
  try {
    await run();
    // Microtasks and ticks of what ran are over by then.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('uncaughtException', collect);
    for (const listener of others) process.on('uncaughtException', listener);
  }
  return errors;
}

export const DELIVERY: readonly Clause[] = [
  {
    name: 'a node has heard of its own publication when it has the receipt; what came before it subscribed it is not told',
    async check(store) {
      const broker = await store.connect();
      await publishText(broker, 'news', 'before');
      const sink = new RecordingSink();
      await broker.subscribe('news', sink);
      assert.deepEqual(sink.heard, []);
      for (const text of numbered(10)) {
        const { epoch, offset } = await publishText(broker, 'news', text);
        assert.deepEqual([sink.publications.at(-1)?.epoch, sink.publications.at(-1)?.offset], [epoch, offset]);
      }
      assert.deepEqual(sink.heard, numbered(10));
    },
  },
  {
    name: 'subscribing while others publish loses nothing: history and sink together have every publication',
    async check(store) {
      const nodes = [await store.connect(), await store.connect()];
      for (let round = 0; round < 20; round++) {
        const channel = `race-${round}`;
        const begun = publishAll(nodes[0]!, channel, numbered(20));
        const flood = Promise.all(numbered(20, 'flood ').map((text) => publishText(nodes[1]!, channel, text)));
        for (let i = 0; i < round; i++) await Promise.resolve();
        const sink = new RecordingSink();
        await nodes[round % 2]!.subscribe(channel, sink);
        const page = await nodes[round % 2]!.history(channel, { since: 'all', limit: 1000 });
        await Promise.all([begun, flood]);
        await publishText(nodes[0]!, channel, 'end');
        await sink.untilHeard('end');
        const union = new Set([...textsOf(page), ...sink.texts]);
        assert.equal(union.size, 41, `round ${round}`);
        assert.equal(new Set(sink.texts).size, sink.texts.length, 'nothing twice');
      }
    },
  },
  {
    name: 'subscribing with a position, while others publish, tells everything after it once and in order',
    async check(store) {
      const nodes = [await store.connect(), await store.connect()];
      const [first] = await publishAll(nodes[0]!, 'news', ['first', 'second', 'third']);
      const flood = Promise.all(numbered(100, 'flood ').map((text) => publishText(nodes[1]!, 'news', text)));
      const sink = new RecordingSink();
      await nodes[0]!.subscribe('news', sink, { epoch: first!.epoch, offset: first!.offset });
      await flood;
      await publishText(nodes[0]!, 'news', 'end');
      await sink.untilHeard('end');
      assert.equal(sink.gaps, 0);
      assert.deepEqual(sink.texts, textsOf(await after(nodes[0]!, 'news', first!)));
      assert.equal(sink.texts.length, 103);
    },
  },
  {
    name: 'subscribing with a position that cannot be had tells of a gap, and goes on',
    async check(store) {
      const broker = await store.connect();
      const [first, , third] = await publishAll(broker, 'news', ['1', '2', '3', '4', '5'], keeping(2));
      const future = { epoch: first!.epoch, offset: first!.offset + 1_000_000 };
      for (const position of [first!, OTHER_EPOCH, future]) {
        const sink = new RecordingSink();
        await broker.subscribe('news', sink, { epoch: position.epoch, offset: position.offset });
        await sink.untilHeard('gap');
        assert.deepEqual(sink.heard, ['gap']);
        broker.unsubscribe('news', sink);
      }
      const sink = new RecordingSink();
      await broker.subscribe('news', sink, { epoch: third!.epoch, offset: third!.offset });
      await publishText(broker, 'news', '6', keeping(2));
      await sink.untilHeard('6');
      assert.deepEqual(sink.heard, ['4', '5', '6']);
    },
  },
  {
    name: 'one sink follows many channels, and each once',
    async check(store) {
      const broker = await store.connect();
      const sink = new RecordingSink();
      for (const channel of ['a', 'b', 'a']) await broker.subscribe(channel, sink);
      await publishText(broker, 'a', 'in a');
      await publishText(broker, 'b', 'in b');
      await sink.untilHeard('in b');
      assert.deepEqual(sink.heard, ['in a', 'in b']);
      broker.unsubscribe('a', sink);
      await publishText(broker, 'a', 'nobody hears it');
      await publishText(broker, 'b', 'end');
      await sink.untilHeard('end');
      assert.deepEqual(sink.heard, ['in a', 'in b', 'end']);
    },
  },
  {
    name: 'unsubscribing within a delivery ends it at once, for itself and for others',
    async check(store) {
      const broker = await store.connect();
      const later = new RecordingSink();
      const witness = new RecordingSink();
      const first: RecordingSink = new RecordingSink(() => {
        broker.unsubscribe('news', first);
        broker.unsubscribe('news', later);
      });
      for (const sink of [first, later, witness]) await broker.subscribe('news', sink);
      await publishAll(broker, 'news', ['1', '2']);
      await witness.untilHeard('2');
      assert.deepEqual([first.heard, later.heard, witness.heard], [['1'], [], ['1', '2']]);
    },
  },
  {
    name: 'unsubscribing while the subscription is under way takes it back',
    async check(store) {
      const broker = await store.connect();
      const [first] = await publishAll(broker, 'news', ['1', '2']);
      const position = { epoch: first!.epoch, offset: first!.offset };
      const plain = new RecordingSink();
      const heardBefore: string[] = [];
      const withPosition = new RecordingSink();
      const pending = [broker.subscribe('news', plain), broker.subscribe('news', withPosition, position)];
      broker.unsubscribe('news', plain);
      broker.unsubscribe('news', withPosition);
      heardBefore.push(...withPosition.heard);
      await Promise.all(pending);
      const witness = new RecordingSink();
      await broker.subscribe('news', witness);
      await publishText(broker, 'news', 'end');
      await witness.untilHeard('end');
      assert.deepEqual([plain.heard, withPosition.heard], [[], heardBefore]);
    },
  },
  {
    name: 'unsubscribing from what one does not follow does nothing',
    async check(store) {
      const broker = await store.connect();
      const sink = new RecordingSink();
      broker.unsubscribe('news', sink);
      await broker.subscribe('news', sink);
      broker.unsubscribe('news', new RecordingSink());
      await publishText(broker, 'news', '1');
      await sink.untilHeard('1');
    },
  },
  {
    name: 'who subscribes anew, or from within a delivery, hears what comes from then on',
    async check(store) {
      const broker = await store.connect();
      const late = new RecordingSink();
      const subscribed: unknown[] = [];
      const first = new RecordingSink(() => {
        if (subscribed.length === 0) subscribed.push(broker.subscribe('news', late));
      });
      await broker.subscribe('news', first);
      await publishText(broker, 'news', '1');
      await first.untilHeard('1');
      await subscribed[0];
      await publishText(broker, 'news', '2');
      await late.untilHeard('2');
      assert(late.heard.length <= 2 && late.heard.at(-1) === '2');
      broker.unsubscribe('news', late);
      await publishText(broker, 'news', '3');
      await broker.subscribe('news', late);
      await publishText(broker, 'news', '4');
      await late.untilHeard('4');
      assert(!late.heard.includes('3'));
    },
  },
  {
    name: 'what a sink publishes while it is told, all hear after it, in the same order',
    async check(store) {
      const broker = await store.connect();
      const answers: unknown[] = [];
      const answering = new RecordingSink((publication) => {
        if (publication.data === 'question') answers.push(publishText(broker, 'news', 'answer'));
      });
      const witness = new RecordingSink();
      await broker.subscribe('news', answering);
      await broker.subscribe('news', witness);
      await publishAll(broker, 'news', ['question', 'next']);
      await Promise.all(answers);
      await publishText(broker, 'news', 'end');
      await witness.untilHeard('end');
      assert.deepEqual(witness.heard, answering.heard);
      assert.deepEqual(new Set(witness.heard), new Set(['question', 'answer', 'next', 'end']));
      assert(witness.heard.indexOf('question') < witness.heard.indexOf('answer'));
    },
  },
  {
    name: 'a sink that throws is reported, and disturbs neither other sinks nor the publisher',
    async check(store) {
      const broker = await store.connect();
      const fault = new Error('a sink at fault');
      const faulty = new RecordingSink(() => {
        throw fault;
      });
      const witness = new RecordingSink();
      const errors = await collectingErrors(async () => {
        await broker.subscribe('news', faulty);
        await broker.subscribe('news', witness);
        await publishAll(broker, 'news', ['1', '2']);
        await witness.untilHeard('2');
      });
      assert.deepEqual(
        [faulty.heard, witness.heard],
        [
          ['1', '2'],
          ['1', '2'],
        ],
      );
      assert.deepEqual(errors, [fault, fault]);
    },
  },
  {
    name: 'a channel that keeps nothing is told all the same',
    async check(store) {
      const broker = await store.connect();
      const sink = new RecordingSink();
      await broker.subscribe('news', sink);
      const receipts = await publishAll(broker, 'news', numbered(5), { ...KEEP, retention: { size: 0, ageMs: 1000 } });
      await sink.untilHeard('5');
      assert.deepEqual(
        sink.publications.map(({ offset }) => offset),
        receipts.map(({ offset }) => offset),
      );
    },
  },
];
