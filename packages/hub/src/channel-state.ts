import type { JoinMessage, LeaveMessage, Position, Publication, Reach } from '@pulsebeacon/wire';
import type { Awaitable, Broker, BrokerSink } from './broker.ts';
import { EncodedPublication } from './encoded-publication.ts';
import type { ChannelRules } from './namespaces.ts';
import type { Delivery, Subscription } from './subscription.ts';

/** What a channel tells the hub. */
export interface ChannelOwner {
  readonly broker: Broker;
  /** Somebody asks how long it takes until publications have gone out. */
  readonly isTimed: boolean;
  /** The broker tells the channel of everything from now on. What this does belongs to it: nobody is served before. */
  onAttached(channel: ChannelState): Awaitable<void>;
  /** That failed: the channel is of no use to those who come later. */
  onAttachFailed(channel: ChannelState): void;
  /** A publication has gone out to everybody here. @param at when that began, by `performance.now()`, if it `isTimed` */
  onDelivered(publication: Publication, reach: Reach, at: number): void;
  /** Somebody here or on another node signalled who comes or goes. */
  onSignal(channel: ChannelState, data: string): void;
  /** One more follows a channel, or one less. */
  onFollowed(change: 1 | -1): void;
  /** Nobody follows the channel any more. */
  onIdle(channel: ChannelState): void;
  /** Something failed that nobody waits for. */
  onFailed(error: unknown): void;
}

/** A channel that somebody follows on this node: its subscribers, and the one sink at the broker that serves them all. */
export class ChannelState implements BrokerSink {
  readonly name: string;
  readonly rules: ChannelRules;
  readonly subscriptions: Set<Subscription> = new Set();
  /** The last publication that everybody who is live has been given. */
  last: Position | undefined;
  /** Publications that have gone out since somebody began to follow it. */
  published = 0;
  private readonly owner: ChannelOwner;
  private attaching: Promise<void> | undefined;
  private isDetached = false;
  private readonly reaches = new ReachNotes();

  constructor(name: string, rules: ChannelRules, owner: ChannelOwner) {
    this.name = name;
    this.rules = rules;
    this.owner = owner;
  }

  get broker(): Broker {
    return this.owner.broker;
  }

  /** Resolves once the broker tells this channel of everything; undefined where it does already. */
  get attached(): Promise<void> | undefined {
    return this.attaching;
  }

  /** Begins to listen, which may take its time; see {@link attached}. @throws where the broker fails at once */
  attach(): void {
    try {
      const attaching = this.open();
      if (!(attaching instanceof Promise)) return;
      this.attaching = this.finish(attaching);
      // Whoever waits for it is told by the same promise.
      this.attaching.catch(() => this.owner.onAttachFailed(this));
    } catch (error) {
      this.owner.onAttachFailed(this);
      throw error;
    }
  }

  detach(): void {
    if (this.isDetached) return;
    this.isDetached = true;
    try {
      this.broker.unsubscribe(this.name, this);
    } catch (error) {
      this.owner.onFailed(error);
    }
  }

  add(subscription: Subscription): void {
    this.subscriptions.add(subscription);
    this.owner.onFollowed(1);
  }

  delete(subscription: Subscription): void {
    if (!this.subscriptions.delete(subscription)) return;
    this.owner.onFollowed(-1);
    if (this.subscriptions.size === 0) this.owner.onIdle(this);
  }

  publication(publication: Publication): void {
    const at = this.owner.isTimed ? performance.now() : 0;
    // Where offsets begin anew, nothing says what was published between.
    if (this.last !== undefined && this.last.epoch !== publication.epoch) this.gap();
    const encoded = new EncodedPublication(publication, this.subscriptions.size === 1);
    const reach = { sent: 0, queued: 0, skipped: 0 };
    for (const subscription of this.subscriptions) {
      const delivery = deliverTo(subscription, encoded);
      if (delivery !== 'none') reach[delivery]++;
    }
    this.last = publication;
    this.published++;
    this.reaches.note(publication.offset, reach);
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
    for (const subscription of this.subscriptions) subscription.inform(message);
  }

  /** From now on it is noted how many each publication reached, until {@link takeReach} is called as often. */
  askReach(): void {
    this.reaches.ask();
  }

  /** How many a publication reached here: nobody where it has not come by. */
  takeReach(offset: number | undefined): Reach {
    return this.reaches.take(offset);
  }

  private open(): Awaitable<void> {
    const subscribing = this.broker.subscribe(this.name, this);
    return subscribing instanceof Promise ? subscribing.then(() => this.onSubscribed()) : this.onSubscribed();
  }

  private async finish(attaching: Promise<void>): Promise<void> {
    await attaching;
    this.attaching = undefined;
  }

  private onSubscribed(): Awaitable<void> {
    return this.isDetached ? undefined : this.owner.onAttached(this);
  }
}

/** A fault of one transport is not the others'. */
function deliverTo(subscription: Subscription, encoded: EncodedPublication): Delivery {
  try {
    return subscription.deliver(encoded);
  } catch (error) {
    subscription.fail(error);
    return 'none';
  }
}

/** What a publication has reached that did not come by. */
export const NOBODY: Reach = { sent: 0, queued: 0, skipped: 0 };
/** While publications are under way that ask for it, those of others are noted, too: so many at most. */
const MOST_NOTES = 4096;

/** How many the newest publications reached, while somebody asks. */
class ReachNotes {
  private readonly reaches = new Map<number, Reach>();
  private asking = 0;

  ask(): void {
    this.asking++;
  }

  note(offset: number, reach: Reach): void {
    if (this.asking === 0) return;
    if (this.reaches.size >= MOST_NOTES) this.reaches.delete(this.reaches.keys().next().value!);
    this.reaches.set(offset, reach);
  }

  take(offset: number | undefined): Reach {
    const reach = offset === undefined ? undefined : this.reaches.get(offset);
    if (--this.asking === 0) this.reaches.clear();
    return reach ?? NOBODY;
  }
}
