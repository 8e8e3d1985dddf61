import type { Broker } from '@pulsebeacon/hub';

/** Whoever can say that it is over: the context of a test. */
export interface Scope {
  after(task: () => unknown): unknown;
}

/** What is shared by the nodes of one fleet, empty at first. */
export interface BrokerStore {
  /** Another node; where a broker cannot be opened twice in one process, the same again. */
  connect(): Promise<Broker>;
  /** Ends all nodes as a crash would, and connects a first one again; only where `guarantees.durable`. */
  crash?(): Promise<Broker>;
}

/** Opens a store of its own, which ends with the scope. */
export type OpenStore = (scope: Scope) => Promise<BrokerStore>;

/** One sentence of the contract. */
export interface Clause {
  readonly name: string;
  /** Rejects where the broker does not hold it. */
  readonly check: (store: BrokerStore) => Promise<void>;
}
