import type { Position, Publication } from '@pulsebeacon/wire';

/** A value, or the promise of one: what is in memory need not be waited for. */
export type Awaitable<T> = T | Promise<T>;

/** What is published, before it has a position. */
export type NewPublication = Omit<Publication, 'channel' | 'epoch' | 'offset' | 'time'>;

/** How long a channel keeps what was published. What is older, or beyond the size, may be gone at any time. */
export interface Retention {
  /** Publications; 0 keeps none. */
  readonly size: number;
  /** Milliseconds. */
  readonly ageMs: number;
}

export interface PublishOptions {
  readonly retention: Retention;
  /**
   * A second publication with the same key in the same channel, within `idempotencyMs`, is not published: it gets the
   * receipt of the first.
   */
  readonly idempotencyKey?: string | undefined;
  /** Milliseconds for which an idempotency key is remembered. */
  readonly idempotencyMs: number;
}

/** That a publication is kept as safely as the broker promises, and where. */
export interface Receipt extends Position {
  readonly time: number;
  /** It had been published before, with the same idempotency key. */
  readonly duplicate: boolean;
}

export interface HistoryQuery {
  /** After this position; at least as new as this time (milliseconds since 1970); or everything that is kept. */
  readonly since?: { readonly position: Position } | { readonly time: number } | 'all' | undefined;
  /** Most publications: with `since` the oldest of those that match, without it the newest of all. At least 1. */
  readonly limit: number;
}

export interface HistoryPage {
  /** In the order of their offsets. */
  readonly publications: readonly Publication[];
  /**
   * The newest position of the channel when the page was read: that of its last publication, kept or not; with offset 0
   * where there was none in this epoch.
   */
  readonly top: Position;
  /**
   * Proof that nothing is missing: every publication between the position of `since` and the first one of the page (or
   * `top`, where it is empty) is in it. False where the position is of another epoch, lies in the future, or is older than
   * what is kept. Always true for `all` and times: they ask for what is kept.
   */
  readonly complete: boolean;
  /** Whether more publications match, behind the last one of the page. */
  readonly more: boolean;
}

/** Who is told of a channel. Calls come in order, one at a time, and must not throw. */
export interface BrokerSink {
  /** A publication: each once, in the order of offsets. */
  publication(publication: Publication): void;
  /**
   * The broker cannot say what was published since the last publication: read the history, and tell subscribers. What
   * follows has no gap again.
   */
  gap(): void;
  /** What somebody signalled. */
  signal(data: string): void;
}

/** Something that holds only as long as somebody renews it. */
export interface Lease {
  readonly key: string;
  readonly value: string;
  /** Milliseconds since 1970 at which it ends unless it is renewed. */
  readonly expires: number;
}

export interface BrokerGuarantees {
  /** What has a receipt is there after a crash of this process. */
  readonly durable: boolean;
  /** Whoever returns with a position is told what was missed, by whichever node. */
  readonly recoverable: boolean;
}

/**
 * What stands between the nodes of a fleet, and keeps what they share. All names and keys were checked before; values are
 * passed through as they are. Failures (a store that is full, a connection that is lost) throw or reject.
 *
 * Delivery: once `subscribe` has resolved, the sink hears of every publication that gets its receipt later, exactly once
 * and in order, or of a gap. A node hears of its own publications like all others, at the latest when it has the receipt.
 * A page of history that is read after `subscribe` resolved has everything that the sink was not told of.
 */
export interface Broker {
  readonly guarantees: BrokerGuarantees;

  /** Atomic: gives the next offset, keeps the publication, and tells the sinks of all nodes. */
  publish(channel: string, publication: NewPublication, options: PublishOptions): Awaitable<Receipt>;

  /**
   * Tells `sink` of the channel from now on; with `since`, of everything after that position first, or of a gap where
   * that cannot be had. One sink may follow many channels, and follows each once.
   */
  subscribe(channel: string, sink: BrokerSink, since?: Position): Awaitable<void>;

  /** The sink is told nothing more, from this call on. */
  unsubscribe(channel: string, sink: BrokerSink): void;

  history(channel: string, query: HistoryQuery): Awaitable<HistoryPage>;

  /** Tells the sinks of all nodes that follow the channel. Not kept; may be lost with a node. */
  signal(channel: string, data: string): Awaitable<void>;

  /** Takes or renews a lease. */
  lease(key: string, ttlMs: number, value: string): Awaitable<void>;

  /** Ends a lease before its time. */
  release(key: string): Awaitable<void>;

  /** The leases that hold now, of all nodes, whose key begins with `prefix`; in the order of their keys. */
  leases(prefix: string): Awaitable<readonly Lease[]>;

  /** Takes something that can be taken once within `ttlMs`, by one of all nodes. @returns whether this call took it */
  claim(key: string, ttlMs: number): Awaitable<boolean>;

  /** Hears what other nodes send to `node`. @returns ends it */
  listen(node: string, handler: (message: string) => void): () => void;

  /** Sends to a node. May be lost where it is not there. */
  notify(node: string, message: string): Awaitable<void>;

  /** Writes down what is still to be written and ends. Nothing may be asked afterwards. */
  close(): Promise<void>;
}
