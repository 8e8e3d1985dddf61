import assert from 'node:assert/strict';
import type { Broker, HistoryQuery } from '@pulsebeacon/hub';
import type { Clause } from '../support/clause.ts';
import { after, kept, keeping, numbered, publishAll, publishText, textsOf } from '../support/publications.ts';
import { untilTrue } from '../support/until.ts';

async function answer(
  broker: Broker,
  query: HistoryQuery,
): Promise<{ texts: string[]; complete: boolean; more: boolean }> {
  const { complete, more, ...read } = await broker.history('news', query);
  return { texts: textsOf({ complete, more, ...read }), complete, more };
}

/** Offsets of a channel that may have been given to nobody lie in gaps; this is one where there are any. */
function between(receipts: readonly { offset: number }[]): number | undefined {
  return receipts.find(({ offset }, i) => i > 0 && offset > receipts[i - 1]!.offset + 1)?.offset;
}

export const HISTORY: readonly Clause[] = [
  {
    name: 'a channel in which nothing was published is empty, at offset 0, and complete from there',
    async check(store) {
      const broker = await store.connect();
      const { publications, top, complete, more } = await kept(broker, 'news');
      assert.deepEqual([publications.length, top.offset, complete, more], [0, 0, true, false]);
      assert.match(top.epoch, /^[\w-]{1,32}$/);
      assert.equal((await after(broker, 'news', top)).complete, true);
      await publishAll(broker, 'news', ['1', '2']);
      const page = await after(broker, 'news', top);
      assert.deepEqual([textsOf(page), page.complete], [['1', '2'], true]);
    },
  },
  {
    name: 'since a position: the oldest after it, up to the limit, and whether there are more',
    async check(store) {
      const broker = await store.connect();
      const receipts = await publishAll(broker, 'news', numbered(10));
      const position = { epoch: receipts[2]!.epoch, offset: receipts[2]!.offset };
      const read = (limit: number): Promise<unknown> => answer(broker, { since: { position }, limit });
      assert.deepEqual(await read(100), { texts: numbered(10).slice(3), complete: true, more: false });
      assert.deepEqual(await read(7), { texts: numbered(10).slice(3), complete: true, more: false });
      assert.deepEqual(await read(6), { texts: numbered(10).slice(3, 9), complete: true, more: true });
      assert.deepEqual(await read(1), { texts: ['4'], complete: true, more: true });
      const atTop = await after(broker, 'news', receipts.at(-1)!);
      assert.deepEqual([textsOf(atTop), atTop.complete, atTop.more], [[], true, false]);
      assert.equal(atTop.top.offset, receipts.at(-1)!.offset);
    },
  },
  {
    name: 'pages one after the other, each from the last of the one before, are the whole',
    async check(store) {
      const broker = await store.connect();
      await publishAll(broker, 'news', numbered(23));
      const texts: string[] = [];
      let position = { ...(await kept(broker, 'news')).top, offset: 0 };
      for (;;) {
        const next = await after(broker, 'news', position, 5);
        assert.equal(next.complete, true);
        texts.push(...textsOf(next));
        if (!next.more) break;
        position = next.publications.at(-1)!;
      }
      assert.deepEqual(texts, numbered(23));
    },
  },
  {
    name: 'all is what is kept, the oldest first',
    async check(store) {
      const broker = await store.connect();
      await publishAll(broker, 'news', numbered(10), keeping(5));
      const all = numbered(10).slice(5);
      assert.deepEqual(await answer(broker, { since: 'all', limit: 100 }), { texts: all, complete: true, more: false });
      assert.deepEqual(await answer(broker, { since: 'all', limit: 2 }), {
        texts: all.slice(0, 2),
        complete: true,
        more: true,
      });
    },
  },
  {
    name: 'without since: the newest',
    async check(store) {
      const broker = await store.connect();
      await publishAll(broker, 'news', numbered(10));
      const read = async (limit: number): Promise<unknown> => (await answer(broker, { limit })).texts;
      assert.deepEqual(await read(1), ['10']);
      assert.deepEqual(await read(3), ['8', '9', '10']);
      assert.deepEqual(await read(100), numbered(10));
      assert.deepEqual(textsOf(await broker.history('empty', { limit: 1 })), []);
    },
  },
  {
    name: 'since a time: what is at least as new, and always complete',
    async check(store) {
      const broker = await store.connect();
      const [old] = await publishAll(broker, 'news', ['old'], keeping(5));
      await untilTrue(() => Date.now() > old!.time);
      const receipts = await publishAll(broker, 'news', numbered(8), keeping(5));
      const since = receipts.at(-2)!.time;
      const expected = numbered(8)
        .filter((_, i) => receipts[i]!.time >= since)
        .slice(-5);
      const read = (time: number, limit = 100): Promise<unknown> => answer(broker, { since: { time }, limit });
      assert.deepEqual(await read(since), { texts: expected, complete: true, more: false });
      assert.deepEqual(await read(0), { texts: numbered(8).slice(3), complete: true, more: false });
      assert.deepEqual(await read(0, 2), { texts: ['4', '5'], complete: true, more: true });
      assert.deepEqual(await read(receipts.at(-1)!.time + 1), { texts: [], complete: true, more: false });
    },
  },
  {
    name: 'the size of the history is kept to, and positions before it are not complete',
    async check(store) {
      const broker = await store.connect();
      const receipts = await publishAll(broker, 'news', numbered(10), keeping(4));
      assert.deepEqual(textsOf(await kept(broker, 'news')), ['7', '8', '9', '10']);
      for (const [i, receipt] of receipts.entries()) {
        const read = await after(broker, 'news', receipt);
        assert.equal(read.complete, i >= 5, `since ${i + 1}`);
        if (read.complete) assert.deepEqual(textsOf(read), numbered(10).slice(i + 1));
      }
      assert.equal((await after(broker, 'news', { ...receipts[0]!, offset: 0 })).complete, false);
    },
  },
  {
    name: 'a size of 0 keeps nothing: only the position of the newest is complete',
    async check(store) {
      const broker = await store.connect();
      const receipts = await publishAll(broker, 'news', ['1', '2'], keeping(0));
      const { publications, top } = await kept(broker, 'news');
      assert.equal(publications.length, 0);
      assert.equal(top.offset, receipts[1]!.offset);
      assert.deepEqual(
        await Promise.all(receipts.map(async (receipt) => (await after(broker, 'news', receipt)).complete)),
        [false, true],
      );
    },
  },
  {
    name: 'the retention of the last publication holds for all before it',
    async check(store) {
      const broker = await store.connect();
      await publishAll(broker, 'news', numbered(10), keeping(100));
      const [last] = await publishAll(broker, 'news', ['11'], keeping(3));
      assert.deepEqual(textsOf(await kept(broker, 'news')), ['9', '10', '11']);
      assert.equal((await after(broker, 'news', { ...last!, offset: 0 })).complete, false);
      await publishAll(broker, 'news', ['12'], keeping(100));
      assert.deepEqual(textsOf(await kept(broker, 'news')), ['9', '10', '11', '12']);
    },
  },
  {
    name: 'what is older than its age goes, and positions before it are not complete any more',
    async check(store) {
      const broker = await store.connect();
      const [first, second] = await publishAll(broker, 'news', ['1', '2'], keeping(100, 100));
      await untilTrue(async () => (await kept(broker, 'news')).publications.length === 0);
      assert(Date.now() >= second!.time + 100, 'not before its time');
      const page = await after(broker, 'news', first!);
      assert.deepEqual([textsOf(page), page.complete], [[], false]);
      const top = (await kept(broker, 'news')).top;
      assert(top.offset >= second!.offset);
      assert.equal((await after(broker, 'news', top)).complete, true);
      const [third] = await publishAll(broker, 'news', ['3']);
      assert(third!.offset > second!.offset);
      assert.equal(third!.epoch, second!.epoch);
      assert.equal((await after(broker, 'news', first!)).complete, false);
    },
  },
  {
    name: 'positions of another epoch and of the future are not complete',
    async check(store) {
      const broker = await store.connect();
      const [only] = await publishAll(broker, 'news', ['1']);
      for (const offset of [0, only!.offset]) {
        assert.equal((await after(broker, 'news', { epoch: `${only!.epoch.slice(0, 30)}x`, offset })).complete, false);
      }
      for (const offset of [only!.offset + 1, Number.MAX_SAFE_INTEGER]) {
        assert.equal((await after(broker, 'news', { epoch: only!.epoch, offset })).complete, false);
        const empty = await after(broker, 'empty', { epoch: only!.epoch, offset });
        assert.deepEqual([empty.publications.length, empty.complete], [0, false]);
      }
    },
  },
  {
    name: 'gaps between offsets are no loss: every position of a channel that keeps all is complete',
    async check(store) {
      const broker = await store.connect();
      const receipts = [];
      for (const text of numbered(5)) {
        receipts.push(await publishText(broker, 'news', text));
        await publishAll(broker, 'elsewhere', ['x', 'y']);
      }
      for (const [i, receipt] of receipts.entries()) {
        const read = await after(broker, 'news', receipt);
        assert.deepEqual([textsOf(read), read.complete], [numbered(5).slice(i + 1), true]);
      }
      const gap = between(receipts);
      if (gap === undefined) return;
      const read = await after(broker, 'news', { ...receipts[0]!, offset: gap - 1 });
      assert.equal(read.complete, true);
      assert.equal(read.publications[0]!.offset, gap);
    },
  },
];
