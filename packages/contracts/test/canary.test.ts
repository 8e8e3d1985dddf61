// Shows that the contract looks: each of these brokers breaks it in one way, and some clause must say so.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BROKER_CLAUSES, type Clause, DURABLE_CLAUSES } from '@pulsebeacon/contracts';
import {
  type Broker,
  type BrokerSink,
  type HistoryPage,
  type HistoryQuery,
  type Lease,
  MemoryBroker,
  type NewPublication,
  type PublishOptions,
  type Receipt,
} from '@pulsebeacon/hub';
import type { Position } from '@pulsebeacon/wire';

/** A clause that waits for what does not come has failed; the slowest takes a tenth of this. */
const PATIENCE_MS = 3000;

class Drops extends MemoryBroker {
  override subscribe(channel: string, sink: BrokerSink, since?: Position): void {
    let heard = 0;
    const lossy: BrokerSink = {
      publication: (publication) => ++heard % 7 !== 5 && sink.publication(publication),
      gap: () => sink.gap(),
      signal: (data) => sink.signal(data),
    };
    super.subscribe(channel, lossy, since);
  }
}

class Doubles extends MemoryBroker {
  override subscribe(channel: string, sink: BrokerSink, since?: Position): void {
    const doubling: BrokerSink = {
      publication(publication) {
        sink.publication(publication);
        sink.publication(publication);
      },
      gap: () => sink.gap(),
      signal: (data) => sink.signal(data),
    };
    super.subscribe(channel, doubling, since);
  }
}

class Reorders extends MemoryBroker {
  override history(channel: string, query: HistoryQuery): HistoryPage {
    const page = super.history(channel, query);
    return { ...page, publications: [...page.publications].reverse() };
  }
}

class AlwaysComplete extends MemoryBroker {
  override history(channel: string, query: HistoryQuery): HistoryPage {
    return { ...super.history(channel, query), complete: true };
  }
}

class NeverComplete extends MemoryBroker {
  override history(channel: string, query: HistoryQuery): HistoryPage {
    return { ...super.history(channel, query), complete: false };
  }
}

class CountsGapsAsLosses extends MemoryBroker {
  override history(channel: string, query: HistoryQuery): HistoryPage {
    const page = super.history(channel, query);
    if (typeof query.since !== 'object' || !('position' in query.since)) return page;
    const next = page.publications[0]?.offset ?? query.since.position.offset + 1;
    return { ...page, complete: page.complete && next === query.since.position.offset + 1 };
  }
}

class KeepsTooMuch extends MemoryBroker {
  override publish(channel: string, publication: NewPublication, options: PublishOptions): Receipt {
    const retention = { ...options.retention, size: options.retention.size + 1 };
    return super.publish(channel, publication, { ...options, retention });
  }
}

class ForgetsKeys extends MemoryBroker {
  override publish(channel: string, publication: NewPublication, options: PublishOptions): Receipt {
    return super.publish(channel, publication, { ...options, idempotencyKey: undefined });
  }
}

class OneSpaceOfKeys extends MemoryBroker {
  private readonly all = new Map<string, Receipt>();
  override publish(channel: string, publication: NewPublication, options: PublishOptions): Receipt {
    const key = options.idempotencyKey;
    const first = key === undefined ? undefined : this.all.get(key);
    if (first !== undefined) return { ...first, duplicate: true };
    const receipt = super.publish(channel, publication, options);
    if (key !== undefined) this.all.set(key, receipt);
    return receipt;
  }
}

class ClaimsTwice extends MemoryBroker {
  private asked = 0;
  override claim(key: string, ttlMs: number): boolean {
    return super.claim(key, ttlMs) || ++this.asked === 7;
  }
}

class LeasesForEver extends MemoryBroker {
  override lease(key: string, _ttlMs: number, value: string): void {
    super.lease(key, 3_600_000, value);
  }
}

class UnsortedLeases extends MemoryBroker {
  override leases(prefix: string): readonly Lease[] {
    return [...super.leases(prefix)].reverse();
  }
}

class HoldsOn extends MemoryBroker {
  override unsubscribe(channel: string, sink: BrokerSink): void {
    queueMicrotask(() => super.unsubscribe(channel, sink));
  }
}

class SilentGap extends MemoryBroker {
  override subscribe(channel: string, sink: BrokerSink, since?: Position): void {
    const silent: BrokerSink = {
      publication: (publication) => sink.publication(publication),
      gap() {},
      signal: (data) => sink.signal(data),
    };
    super.subscribe(channel, silent, since);
  }
}

class MangleText extends MemoryBroker {
  override publish(channel: string, publication: NewPublication, options: PublishOptions): Receipt {
    const { data } = publication;
    const mangled = typeof data === 'string' ? data.replace('\0', '') : data;
    return super.publish(channel, { ...publication, data: mangled }, options);
  }
}

class LosesMarks extends MemoryBroker {
  override publish(channel: string, publication: NewPublication, options: PublishOptions): Receipt {
    return super.publish(channel, { ...publication, key: undefined }, options);
  }
}

class LosesSignals extends MemoryBroker {
  override signal(channel: string, data: string): void {
    if (data !== '') super.signal(channel, data);
  }
}

class TellsAll extends MemoryBroker {
  override notify(node: string, message: string): void {
    for (const each of new Set([node, 'a', 'b'])) super.notify(each, message);
  }
}

async function holds(clause: Clause, broker: Broker): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE_MS);
  });
  const connect = (): Promise<Broker> => Promise.resolve(broker);
  const checked = clause.check({ connect, crash: connect }).then(
    () => true,
    () => false,
  );
  const held = await Promise.race([checked, tooLate]);
  clearTimeout(timer);
  await broker.close();
  return held;
}

/** Which broker must fail by which clause, named by how its name begins. */
const CANARIES: readonly (readonly [new () => MemoryBroker, readonly string[]])[] = [
  [Drops, ['publishers at once', 'subscribing while others publish', 'subscribing with a position, while']],
  [Doubles, ['publishers at once', 'subscribing while others publish', 'one sink follows many channels']],
  [Reorders, ['offsets of a channel grow', 'since a position', 'publishers at once']],
  [AlwaysComplete, ['the size of the history', 'a size of 0', 'what is older', 'positions of another epoch']],
  [NeverComplete, ['since a position', 'a channel in which nothing', 'all is what is kept', 'pages one after']],
  [CountsGapsAsLosses, ['gaps between offsets']],
  [KeepsTooMuch, ['the size of the history', 'all is what is kept', 'the retention of the last', 'a size of 0']],
  [ForgetsKeys, ['the same idempotency key', 'twins']],
  [OneSpaceOfKeys, ['idempotency keys of different channels', 'an idempotency key is forgotten']],
  [ClaimsTwice, ['a claim is taken once']],
  [LeasesForEver, ['presence heals']],
  [UnsortedLeases, ['leases of all nodes', 'many leases']],
  [HoldsOn, ['unsubscribing within a delivery']],
  [SilentGap, ['subscribing with a position that cannot']],
  [MangleText, ['payloads of every kind']],
  [LosesMarks, ['payloads of every kind']],
  [LosesSignals, ['a signal reaches']],
  [TellsAll, ['what is sent to a node']],
];

function clauseThatBegins(beginning: string): Clause {
  const found = BROKER_CLAUSES.filter(({ name }) => name.startsWith(beginning));
  assert.equal(found.length, 1, `${found.length} clauses begin with "${beginning}"`);
  return found[0]!;
}

describe('the contract of brokers', { concurrency: true }, () => {
  for (const [Canary, clauses] of CANARIES) {
    test(`is not held by a broker that ${Canary.name}`, async () => {
      const looked = await Promise.all(clauses.map((name) => holds(clauseThatBegins(name), new Canary())));
      assert.deepEqual(
        clauses.filter((_, i) => looked[i]),
        [],
        'these clauses did not see it',
      );
    });
  }

  test('is not held, as to crashes, by a broker that forgets', async () => {
    for (const clause of DURABLE_CLAUSES) {
      const [before, afterwards] = [new MemoryBroker(), new MemoryBroker()];
      const check = clause.check({ connect: () => Promise.resolve(before), crash: () => Promise.resolve(afterwards) });
      await assert.rejects(check, { code: 'ERR_ASSERTION' }, clause.name);
    }
  });
});
