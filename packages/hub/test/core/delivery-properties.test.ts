import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, type SlowConsumerPolicy } from '@pulsebeacon/hub';
import { formatPosition, type Publication, readPosition } from '@pulsebeacon/wire';
import fc from 'fast-check';
import { DelayedBroker, turn } from './support/delayed-broker.ts';
import { connect, type TestOutlet } from './support/test-outlet.ts';

const CLIENTS = 2;
const client = fc.nat({ max: CLIENTS - 1 });

type Action =
  | { readonly do: 'publish'; readonly by: number; readonly key: string }
  | { readonly do: 'step'; readonly indexes: readonly number[] }
  | { readonly do: 'stall' | 'read' | 'unsubscribe'; readonly client: number }
  | { readonly do: 'subscribe'; readonly client: number; readonly returns: boolean; readonly echo: boolean }
  | { readonly do: 'interrupt' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('publish' as const), by: client, key: fc.constantFrom('a', 'b') }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('step' as const),
      indexes: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 12, size: 'max' }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('stall' as const, 'read' as const, 'unsubscribe' as const), client }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      client,
      returns: fc.boolean(),
      echo: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'interrupt' as const }) },
);

/** What a client was given between two of the answers that say where it is. */
interface Stretch {
  readonly from: number;
  readonly echo: boolean;
  readonly isRecovered: boolean;
  readonly offsets: number[];
  skipped: number;
  /** It goes on until everything is delivered. */
  isOpen: boolean;
}

class World {
  readonly broker: DelayedBroker = new DelayedBroker();
  readonly hub: Hub;
  readonly outlets: TestOutlet[];
  readonly published: Publication[] = [];
  private readonly echoes = Array.from({ length: CLIENTS }, () => [] as boolean[]);
  /** With which offsets clients came back. */
  private readonly sinces = Array.from({ length: CLIENTS }, () => [] as (number | undefined)[]);

  constructor(slowConsumer: SlowConsumerPolicy, size: number) {
    this.hub = new Hub({ broker: this.broker, namespaces: [{ match: '*', slowConsumer, history: { size } }] });
    this.outlets = Array.from({ length: CLIENTS }, () => connect(this.hub));
    this.broker.inner.subscribe('c', {
      publication: (publication) => this.published.push(publication),
      gap: () => {},
      signal: () => {},
    });
  }

  async run(actions: readonly Action[]): Promise<void> {
    for (const next of actions) {
      if (next.do === 'step') await this.steps(next.indexes);
      else this.act(next);
      await turn();
    }
    for (const outlet of this.outlets) outlet.read();
    await this.broker.settle();
  }

  private async steps(indexes: readonly number[]): Promise<void> {
    for (const index of indexes) {
      this.broker.step(index);
      await turn();
    }
  }

  private act(next: Exclude<Action, { do: 'step' }>): void {
    if (next.do === 'interrupt') return this.broker.interrupt('c');
    if (next.do === 'publish') {
      const data = String(this.published.length);
      const publication = { kind: 'text', contentType: 'text/plain', data, key: next.key } as const;
      void this.hub.publish('c', { ...publication, publisher: this.outlets[next.by]!.client.id });
      return;
    }
    const outlet = this.outlets[next.client]!;
    if (next.do === 'stall') {
      outlet.stall();
    } else if (next.do === 'read') {
      outlet.read();
    } else if (next.do === 'unsubscribe') {
      if (!outlet.client.subscriptions.has('c')) return;
      void outlet.client.execute({ type: 'unsubscribe', channel: 'c' });
    } else if (next.do === 'subscribe') {
      if (outlet.client.subscriptions.has('c')) return;
      const position = next.returns ? readPosition(lastPosition(outlet) ?? '') : undefined;
      this.echoes[next.client]!.push(next.echo);
      this.sinces[next.client]!.push(position?.offset);
      // The number of the subscription among those of this client.
      const id = this.echoes[next.client]!.length - 1;
      const since = position === undefined ? {} : { since: { position } };
      void outlet.client.execute({ type: 'subscribe', id, channel: 'c', echo: next.echo, ...since });
    }
  }

  stretches(index: number): Stretch[] {
    const stretches: Stretch[] = [];
    let echo = true;
    for (const entry of this.outlets[index]!.log) {
      const current = stretches.at(-1);
      if (!('type' in entry)) {
        assert.ok(current?.isOpen, 'a publication comes between subscribed and unsubscribed');
        current.offsets.push(entry.offset);
      } else if (entry.type === 'subscribed') {
        if (entry.id !== undefined) echo = this.echoes[index]![entry.id]!;
        if (current !== undefined) current.isOpen = false;
        const told = readPosition(entry.position!)!.offset;
        const since = entry.id === undefined ? undefined : this.sinces[index]![entry.id];
        const from = entry.recovered && since !== undefined ? since : told;
        assert.ok(told >= from);
        stretches.push({ from, echo, isRecovered: entry.recovered, offsets: [], skipped: 0, isOpen: true });
      } else if (entry.type === 'skipped') {
        current!.skipped += entry.count;
      } else if (entry.type === 'unsubscribed' && current !== undefined) {
        current.isOpen = false;
      }
    }
    return stretches;
  }

  /** What a stretch had to bring. */
  expected(index: number, { from, echo }: Stretch): number[] {
    const { id } = this.outlets[index]!.client;
    return this.published
      .filter(({ offset, publisher }) => offset > from && (echo || publisher !== id))
      .map(({ offset }) => offset);
  }
}

function lastPosition(outlet: TestOutlet): string | undefined {
  for (let at = outlet.log.length - 1; at >= 0; at--) {
    const entry = outlet.log[at]!;
    if (!('type' in entry)) return formatPosition(entry);
    if (entry.type === 'subscribed') return entry.position;
  }
  return undefined;
}

function check(policy: SlowConsumerPolicy, size: number, verify: (world: World, index: number) => void): Promise<void> {
  const actions = fc.array(action, { minLength: 10, maxLength: 120, size: 'max' });
  return fc.assert(
    fc.asyncProperty(actions, async (list) => {
      const world = new World(policy, size);
      await world.run(list);
      for (let index = 0; index < CLIENTS; index++) verify(world, index);
    }),
    { numRuns: Number(process.env['PB_RUNS'] ?? 100), seed: Number(process.env['PB_SEED'] ?? 20_260_727) },
  );
}

/** In order, once, without a hole; to the end, if the client has not left. */
function verifyLossless(world: World, index: number): void {
  for (const stretch of world.stretches(index)) {
    const expected = world.expected(index, stretch);
    const upTo = stretch.isOpen ? expected : expected.slice(0, stretch.offsets.length);
    assert.deepEqual(stretch.offsets, upTo);
  }
}

for (const policy of ['close', 'spill'] as const) {
  test(`${policy}: every publication comes once and in order, however answers, gaps and pauses interleave`, async () => {
    await check(policy, 1000, (world, index) => {
      verifyLossless(world, index);
      assert.ok(
        world.stretches(index).every(({ isRecovered }) => isRecovered),
        'the history reaches: nothing is given up',
      );
    });
  });

  test(`${policy}: where the history is short, what cannot be had is said, and nothing else is missing`, async () => {
    await check(policy, 3, verifyLossless);
  });
}

for (const policy of ['drop', 'conflate'] as const) {
  test(`${policy}: what is left out is counted before the next publication, and offsets only grow`, async () => {
    await check(policy, 1000, (world, index) => {
      for (const stretch of world.stretches(index)) {
        const expected = world.expected(index, stretch);
        assert.deepEqual(
          stretch.offsets,
          expected.filter((offset) => stretch.offsets.includes(offset)),
        );
        if (!stretch.isOpen) continue;
        assert.equal(stretch.offsets.length + stretch.skipped, expected.length);
        if (policy === 'drop') continue;
        for (const key of ['a', 'b']) {
          const newest = world.published.findLast((one) => one.key === key && expected.includes(one.offset));
          if (newest !== undefined) assert.ok(stretch.offsets.includes(newest.offset), 'the newest of each key came');
        }
      }
    });
  });
}
