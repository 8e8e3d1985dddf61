import assert from 'node:assert/strict';
import type { Broker } from '@pulsebeacon/hub';
import type { Clause } from '../support/clause.ts';
import { untilTrue } from '../support/until.ts';

async function keys(broker: Broker, prefix: string): Promise<string[]> {
  return (await broker.leases(prefix)).map(({ key }) => key);
}

export const LEASES: readonly Clause[] = [
  {
    name: 'leases of all nodes are listed by prefix, in the order of their keys, with value and end',
    async check(store) {
      const [one, other] = [await store.connect(), await store.connect()];
      const start = Date.now();
      for (const [i, key] of ['p/news/c', 'p/news/a', 'p/newsroom/x', 'p/news/b', 'q/news/a', 'p/news'].entries()) {
        await [one, other][i % 2]!.lease(key, 60_000, `value of ${key}`);
      }
      assert.deepEqual(await keys(one, 'p/news/'), ['p/news/a', 'p/news/b', 'p/news/c']);
      assert.deepEqual(await keys(other, 'p/news'), ['p/news', 'p/news/a', 'p/news/b', 'p/news/c', 'p/newsroom/x']);
      assert.deepEqual(await keys(one, 'nobody'), []);
      assert.equal((await keys(one, '')).length, 6);
      const [lease] = await other.leases('p/news/a');
      assert.equal(lease!.value, 'value of p/news/a');
      assert(lease!.expires >= start + 59_000 && lease!.expires <= Date.now() + 61_000);
    },
  },
  {
    name: 'many leases, taken and released in any order, stay in the order of their keys',
    async check(store) {
      const broker = await store.connect();
      const name = (i: number): string => `many/${String((i * 7919) % 1500).padStart(4, '0')}`;
      await Promise.all(Array.from({ length: 1500 }, (_, i) => broker.lease(name(i), 60_000, '')));
      await Promise.all(Array.from({ length: 500 }, (_, i) => broker.release(name(i * 3))));
      const left = new Set(Array.from({ length: 1500 }, (_, i) => (i % 3 === 0 ? '' : name(i))));
      left.delete('');
      assert.deepEqual(await keys(broker, 'many/'), [...left].sort());
    },
  },
  {
    name: 'a lease that is taken again has its new value and its new end',
    async check(store) {
      const broker = await store.connect();
      await broker.lease('node', 60_000, 'old');
      const [old] = await broker.leases('node');
      await broker.lease('node', 120_000, 'new');
      const leases = await broker.leases('node');
      assert.equal(leases.length, 1);
      assert.equal(leases[0]!.value, 'new');
      assert(leases[0]!.expires > old!.expires + 30_000);
    },
  },
  {
    name: 'a released lease is gone on all nodes; releasing what is not held does nothing',
    async check(store) {
      const [one, other] = [await store.connect(), await store.connect()];
      await one.lease('a', 60_000, '');
      await one.lease('b', 60_000, '');
      await other.release('a');
      await other.release('nobody');
      assert.deepEqual(await keys(one, ''), ['b']);
      assert.deepEqual(await keys(other, ''), ['b']);
    },
  },
  {
    name: 'presence heals: what nobody renews ends by itself, and not before its time; what is renewed stays',
    async check(store) {
      const [alive, witness] = [await store.connect(), await store.connect()];
      const start = Date.now();
      await alive.lease('presence/gone', 200, '');
      await alive.lease('presence/here', 60_000, '');
      assert.deepEqual(await keys(witness, 'presence/'), ['presence/gone', 'presence/here']);
      await untilTrue(async () => !(await keys(witness, 'presence/')).includes('presence/gone'));
      assert(Date.now() >= start + 200);
      assert.deepEqual(await keys(alive, 'presence/'), ['presence/here']);
      await alive.lease('presence/gone', 60_000, 'back');
      assert.deepEqual(await keys(witness, 'presence/'), ['presence/gone', 'presence/here']);
    },
  },
];
