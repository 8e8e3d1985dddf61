import type { JoinMessage, LeaveMessage, Position, Publication, Reach } from '@pulsebeacon/wire';
import type { Awaitable, Broker, BrokerSink } from './broker.ts';
import { EncodedPublication } from './encoded-publication.ts';
import type { ChannelRules } from './namespaces.ts';
import type { Subscription } from './subscription.ts';
import { TokenBucket } from './token-bucket.ts';

/** What a channel tells the hub. */
export interface ChannelOwner {
  readonly broker: Broker;
  /** A publication has gone out to everybody here. @param at when that began, by `performance.now()` */
  onDelivered(publication: Publication, reach: Reach, at: number): void;
  /** Somebody here or on another node signalled who comes or goes. */
  onSignal(channel: ChannelState, data: string): void;
  /** Nobody follows the channel any more. */
  onIdle(channel: ChannelState): void;
  /** The broker failed while nobody waited for it. */
  onFailed(error: unknown): void;
}

/** A channel that somebody follows on this node: its subscribers, and the one sink at the broker that serves them all. */
export class ChannelState implements BrokerSink {
  readonly name: string;
  readonly rules: ChannelRules;
  readonly subscriptions: Set<Subscription> = new Set();
  /** The last publication that everybody who is live has been given. */
  last: Position | undefined;
  private readonly owner: ChannelOwner;
  private attaching: Awaitable<void>;
  private readonly reaches = new Map<number, Reach>();
  private reachAsked = 0;

  constructor(name: string, rules: ChannelRules, owner: ChannelOwner) {
    this.name = name;
    this.rules = rules;
    this.owner = owner;
    this.attaching = this.attach();
    // Whoever waits for it is told.
    if (this.attaching instanceof Promise) this.attaching.catch(() => {});
  }

  get broker(): Broker {
    return this.owner.broker;
  }

  /** Resolves once the broker tells this channel of everything; at once where it does already. */
  get attached(): Awaitable<void> {
    return this.attaching;
  }

  private attach(): Awaitable<void> {
    const attaching = this.owner.broker.subscribe(this.name, this);
    return attaching instanceof Promise ? this.finishAttaching(attaching) : undefined;
  }

  private async finishAttaching(attaching: Promise<void>): Promise<void> {
    await attaching;
    this.attaching = undefined;
  }

  add(subscription: Subscription): void {
    this.subscriptions.add(subscription);
  }

  delete(subscription: Subscription): void {
    if (this.subscriptions.delete(subscription) && this.subscriptions.size === 0) this.owner.onIdle(this);
  }

  detach(): void {
    this.owner.broker.unsubscribe(this.name, this);
  }

  publication(publication: Publication): void {
    const at = performance.now();
    const encoded = new EncodedPublication(publication);
    let sent = 0;
    let queued = 0;
    let skipped = 0;
    for (const subscription of this.subscriptions) {
      const result = subscription.deliver(encoded);
      if (result === 'sent') sent++;
      else if (result === 'queued') queued++;
      else if (result === 'skipped') skipped++;
    }
    this.last = publication;
    const reach: Reach = { sent, queued, skipped };
    if (this.reachAsked > 0) this.reaches.set(publication.offset, reach);
    this.owner.onDelivered(publication, reach, at);
  }

  gap(): void {
    for (const subscription of this.subscriptions) subscription.onGap();
  }

  signal(data: string): void {
    this.owner.onSignal(this, data);
  }

  /** Tells everybody who follows the channel here. */
  broadcast(message: JoinMessage | LeaveMessage): void {
    for (const subscription of this.subscriptions) subscription.client.outlet.message(message);
  }

  /** From now on it is noted how many each publication reached, until {@link takeReach} is called as often. */
  askReach(): void {
    this.reachAsked++;
  }

  /** How many a publication reached here: nobody where it has not come by. */
  takeReach(offset: number | undefined): Reach {
    const reach = offset === undefined ? undefined : this.reaches.get(offset);
    if (--this.reachAsked === 0) this.reaches.clear();
    return reach ?? NOBODY;
  }
}

const NOBODY: Reach = { sent: 0, queued: 0, skipped: 0 };

/** The rate at which a channel may be published in; kept while it is in use. */
export class ChannelRates {
  private readonly buckets = new Map<string, TokenBucket>();

  /** @returns whether one more publication may come now */
  take(channel: string, rate: number): boolean {
    if (rate === Infinity) return true;
    let bucket = this.buckets.get(channel);
    if (bucket === undefined) {
      // A bucket that is full says nothing: those of old go first.
      if (this.buckets.size >= 10_000) this.buckets.delete(this.buckets.keys().next().value!);
      bucket = new TokenBucket(rate, Math.max(1, rate), performance.now());
      this.buckets.set(channel, bucket);
    }
    return bucket.take(performance.now());
  }
}
