import { describe, test } from 'node:test';
import { CRASH } from './clauses/crash.ts';
import { DELIVERY } from './clauses/delivery.ts';
import { HISTORY } from './clauses/history.ts';
import { LEASES } from './clauses/leases.ts';
import { MESSAGES } from './clauses/messages.ts';
import { ONCE } from './clauses/once.ts';
import { ORDER } from './clauses/order.ts';
import type { Clause, OpenStore } from './support/clause.ts';

const SECONDS = 20;

/** What every broker holds, as `Broker` says it. */
export const BROKER_CLAUSES: readonly Clause[] = [...ORDER, ...DELIVERY, ...HISTORY, ...ONCE, ...LEASES, ...MESSAGES];

/** What a broker with `guarantees.durable` holds too. */
export const DURABLE_CLAUSES: readonly Clause[] = CRASH;

/**
 * Registers the contract as tests of a broker.
 * @param open each clause gets a store of its own
 */
export function brokerContract(name: string, open: OpenStore, { durable }: { readonly durable: boolean }): void {
  describe(`${name} holds the contract of brokers`, () => {
    for (const clause of durable ? [...BROKER_CLAUSES, ...DURABLE_CLAUSES] : BROKER_CLAUSES) {
      test(clause.name, { timeout: SECONDS * 1000 }, async (t) => {
        const store = await open(t);
        await clause.check(store);
      });
    }
  });
}
