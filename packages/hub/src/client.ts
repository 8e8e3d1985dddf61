import {
  type Command,
  errorMessage,
  type HistoryCommand,
  type PublishCommand,
  type SubscribeCommand,
  WireError,
} from '@pulsebeacon/wire';
import { requireAllowed } from './access.ts';
import type { EncodedPublication } from './encoded-publication.ts';
import type { Hub } from './hub.ts';
import type { Outlet } from './outlet.ts';
import { payloadOfCommand } from './payloads.ts';
import { historyMessage } from './history-message.ts';
import type { Session } from './session-token.ts';
import { type SubscribeOptions, Subscription } from './subscription.ts';
import { TokenBucket } from './token-bucket.ts';

/** Where a client comes from. */
export interface ClientOrigin {
  readonly remoteAddress: string | undefined;
  /** The path of its request, without query. */
  readonly path: string;
  /** `1.1`, or `2`. */
  readonly httpVersion: string;
}

/** One client that is connected: who it is, the way to it, and what it follows. */
export class HubClient {
  readonly hub: Hub;
  readonly session: Session;
  readonly outlet: Outlet;
  readonly origin: ClientOrigin;
  /** Milliseconds since 1970. */
  readonly since: number = Date.now();
  readonly subscriptions: Map<string, Subscription> = new Map();
  /** More is queued for it than should be; its subscriptions keep to their policy. */
  isCongested = false;
  /** Subscriptions that have something for it once it has room. */
  waiting: Set<Subscription> = new Set();
  private readonly bucket: TokenBucket | undefined;
  private isClosed = false;
  private queuedAtLastLook = 0;
  private stuckSince = 0;

  constructor(hub: Hub, session: Session, outlet: Outlet, origin: ClientOrigin) {
    this.hub = hub;
    this.session = session;
    this.outlet = outlet;
    this.origin = origin;
    const { commandRate, commandBurst } = hub.limits;
    this.bucket = commandRate === Infinity ? undefined : new TokenBucket(commandRate, commandBurst, performance.now());
  }

  get id(): string {
    return this.session.client;
  }

  /** Carries out a command, and answers it by the outlet. What is wrong with it is answered, too. */
  async execute(command: Exclude<Command, { type: 'hello' }>): Promise<void> {
    try {
      this.takeTurn();
      await this.carryOut(command);
    } catch (error) {
      const wireError = this.hub.toWireError(error);
      this.hub.onRefused(wireError, this.origin);
      // A subscription that failed is over; the client may have gone meanwhile.
      if (!this.isClosed) this.outlet.message(errorMessage(wireError, command.id, command.channel));
    }
  }

  /** One more message has come from this client. @throws {WireError} `PB_RATE` */
  takeTurn(): void {
    if (this.bucket === undefined || this.bucket.take(performance.now())) return;
    const { commandRate, commandBurst } = this.hub.limits;
    this.hub.hooks.limited?.('PB_RATE', this.origin);
    throw new WireError(
      'PB_RATE',
      `more than ${commandRate} messages a second, ${commandBurst} at once: wait, and send it again`,
    );
  }

  /**
   * Follows a channel; the answer, `subscribed`, goes to the outlet.
   * @throws {WireError} where the client may not, or follows too many
   */
  async subscribe(channel: string, options: SubscribeOptions = {}): Promise<void> {
    const { hub } = this;
    const rules = hub.namespaces.rulesOf(channel);
    hub.authorize('subscribe', channel, this.session.principal, rules);
    if (options.since !== undefined) requireAllowed(this.session.principal, 'history', channel, rules);
    if (this.isClosed) return;
    if (this.subscriptions.has(channel)) {
      throw new WireError('PB_ALREADY_SUBSCRIBED', `the client follows ${channel} already: unsubscribe first`);
    }
    const { maxChannelsPerClient } = hub.limits;
    if (this.subscriptions.size >= maxChannelsPerClient) {
      hub.hooks.limited?.('PB_TOO_MANY_CHANNELS', this.origin);
      throw new WireError(
        'PB_TOO_MANY_CHANNELS',
        `a client follows at most ${maxChannelsPerClient} channels: unsubscribe from one`,
      );
    }
    const subscription = new Subscription(hub.channelState(channel), this, options.echo ?? true, hub.encodings);
    this.subscriptions.set(channel, subscription);
    subscription.channel.add(subscription);
    try {
      await subscription.begin(options);
    } catch (error) {
      this.forget(channel, subscription);
      throw error;
    }
    const isPresent = rules.presence && options.isPresent !== false;
    if (isPresent && this.subscriptions.get(channel) === subscription) hub.presence.join(subscription);
  }

  /** @throws {WireError} `PB_NOT_SUBSCRIBED` */
  unsubscribe(channel: string): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription === undefined) throw new WireError('PB_NOT_SUBSCRIBED', `the client does not follow ${channel}`);
    this.forget(channel, subscription);
    this.hub.presence.leave(subscription);
  }

  /** The broker failed a subscription that had begun. */
  onSubscriptionFailed(subscription: Subscription, error: unknown): void {
    const { code, message: detail } = this.hub.toWireError(error);
    this.forget(subscription.channel.name, subscription);
    this.hub.presence.leave(subscription);
    this.outlet.message({ type: 'unsubscribed', channel: subscription.channel.name, code, detail });
  }

  /** Hands a publication to the outlet. @returns whether there is room for more */
  deliver(encoded: EncodedPublication): boolean {
    if (this.outlet.publication(encoded)) return true;
    if (!this.isCongested) {
      this.isCongested = true;
      this.queuedAtLastLook = this.outlet.queuedBytes;
      this.stuckSince = performance.now();
      this.hub.congested.add(this);
    }
    const { maxQueuedBytes } = this.hub.limits;
    if (this.outlet.queuedBytes > maxQueuedBytes) this.closeAsSlow(`it has ${maxQueuedBytes} bytes to read`);
    return false;
  }

  /** The outlet has room again. */
  drained(): void {
    if (!this.isCongested) return;
    this.isCongested = false;
    this.hub.congested.delete(this);
    const { waiting } = this;
    this.waiting = new Set();
    for (const subscription of waiting) subscription.resume();
  }

  /** Looks whether a client that is congested reads at all. */
  checkProgress(now: number): void {
    const { queuedBytes } = this.outlet;
    if (queuedBytes < this.queuedAtLastLook) this.stuckSince = now;
    this.queuedAtLastLook = queuedBytes;
    const { writeTimeout } = this.hub.limits;
    if (now - this.stuckSince < writeTimeout || !this.followsStrictChannel()) return;
    this.closeAsSlow(`it has not read anything for ${writeTimeout} ms`);
  }

  /** Tells it why, and ends it. */
  close(error: WireError, retryAfterMs?: number): void {
    if (!this.isClosed) this.outlet.close(error, retryAfterMs);
  }

  /**
   * The way to the client is gone.
   * @param isReturning it is a poll that was answered: the client counts as present until its lease ends
   */
  closed(isReturning = false): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.hub.congested.delete(this);
    for (const [channel, subscription] of this.subscriptions) {
      this.forget(channel, subscription);
      if (!isReturning) this.hub.presence.leave(subscription);
    }
    this.hub.onClientClosed(this);
  }

  private async carryOut(command: Exclude<Command, { type: 'hello' }>): Promise<void> {
    const { channel } = command;
    const id = command.id === undefined ? {} : { id: command.id };
    switch (command.type) {
      case 'subscribe':
        return this.subscribe(channel, command satisfies SubscribeCommand);
      case 'unsubscribe':
        this.unsubscribe(channel);
        return this.outlet.message({ type: 'unsubscribed', ...id, channel });
      case 'publish':
        return this.publish(command);
      case 'history':
        return this.history(command);
      case 'presence': {
        const members = await this.hub.members(channel, this.session);
        return this.outlet.message({ type: 'presence', ...id, channel, members });
      }
    }
  }

  private async publish(command: PublishCommand): Promise<void> {
    const { channel, key, idempotencyKey, reach } = command;
    const payload = payloadOfCommand(command);
    const result = await this.hub.publish(
      channel,
      { ...payload, key, publisher: this.id },
      {
        idempotencyKey,
        reach,
        by: this.session,
      },
    );
    if (command.id === undefined) return;
    this.outlet.message({ type: 'published', id: command.id, channel, ...result });
  }

  private async history({ id, channel, since, limit }: HistoryCommand): Promise<void> {
    const page = await this.hub.history(channel, { since, limit }, this.session);
    this.outlet.message(historyMessage(this.hub, channel, page, id));
  }

  private forget(channel: string, subscription: Subscription): void {
    if (this.subscriptions.get(channel) === subscription) this.subscriptions.delete(channel);
    subscription.end();
  }

  private followsStrictChannel(): boolean {
    for (const { channel } of this.subscriptions.values()) if (channel.rules.slowConsumer === 'close') return true;
    return false;
  }

  private closeAsSlow(why: string): void {
    this.hub.hooks.limited?.('PB_SLOW_SUBSCRIBER', this.origin);
    this.close(
      new WireError('PB_SLOW_SUBSCRIBER', `the client does not read: ${why}; come back with the last position`),
    );
  }
}
