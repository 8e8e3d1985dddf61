import {
  type Command,
  errorMessage,
  type HistoryCommand,
  type PublishCommand,
  type ServerMessage,
  WireError,
  type WireErrorCode,
} from '@pulsebeacon/wire';
import type { ClientTap } from './client-tap.ts';
import type { EncodedPublication } from './encoded-publication.ts';
import type { Hub } from './hub.ts';
import { fitPage } from './history-page.ts';
import { historyMessage } from './message-json.ts';
import type { Outlet } from './outlet.ts';
import { payloadOfCommand } from './payloads.ts';
import { ReadingWatch } from './reading-watch.ts';
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
  /** For {@link Hub}: somebody looks at what goes to it and comes from it. */
  tap: ClientTap | undefined;
  /** Subscriptions that have something for it once it has room. */
  waiting: Set<Subscription> = new Set();
  private readonly bucket: TokenBucket | undefined;
  private readonly reading = new ReadingWatch();
  /** Nothing more goes to it: it was sent away, or is gone. */
  private isEnding = false;
  /** With what the server ended it. */
  private endedBy: WireErrorCode | undefined;
  private isClosed = false;

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

  /** Carries out a command, and answers it by the outlet. What is wrong with it is answered, too. Never rejects. */
  async execute(command: Exclude<Command, { type: 'hello' }>): Promise<void> {
    this.tap?.received(command);
    try {
      this.takeTurn();
      await this.carryOut(command);
    } catch (error) {
      const wireError = this.hub.toWireError(error);
      this.hub.onRefused(wireError, this.origin);
      this.tell(errorMessage(wireError, command.id, command.channel));
    }
  }

  /** One more message has come from this client. @throws {WireError} `PB_RATE` */
  takeTurn(): void {
    if (this.bucket === undefined || this.bucket.take(performance.now())) return;
    throw this.overRate();
  }

  /** It sends more than it may. */
  overRate(): WireError {
    const { hooks, limits } = this.hub;
    hooks.limited?.('PB_RATE', this.origin);
    const rate = `${limits.commandRate} messages a second, ${limits.commandBurst} at once`;
    return new WireError('PB_RATE', `more than ${rate}: wait, and send it again`);
  }

  /**
   * Follows a channel; the answer, `subscribed`, goes to the outlet.
   * @throws {WireError} where the client may not, or follows too many
   */
  async subscribe(channel: string, options: SubscribeOptions = {}): Promise<void> {
    this.hub.authorizeSubscribe(channel, this.session.principal, options.since);
    await this.subscribeAllowed(channel, options);
  }

  /** As {@link subscribe}, where it was asked already whether the client may. @throws {WireError} where it follows too many */
  async subscribeAllowed(channel: string, options: SubscribeOptions = {}): Promise<void> {
    const { hub } = this;
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
    const subscription = await this.follow(channel, options);
    const isPresent = subscription?.channel.rules.presence === true && options.isPresent !== false;
    if (isPresent) hub.presence.join(subscription);
  }

  /**
   * As {@link subscribe}, for the server itself: it may, and is not present.
   * @returns undefined where that has ended meanwhile
   */
  async follow(channel: string, options: SubscribeOptions = {}): Promise<Subscription | undefined> {
    if (this.isEnding) return undefined;
    const subscription = new Subscription(this.hub.followed.open(channel), this, options.echo ?? true);
    this.subscriptions.set(channel, subscription);
    subscription.channel.add(subscription);
    try {
      await subscription.begin(options);
    } catch (error) {
      // Whoever has gone meanwhile does not wait for it.
      if (subscription.isEnded) return undefined;
      this.forget(subscription);
      throw error;
    }
    return subscription.isEnded ? undefined : subscription;
  }

  /** @throws {WireError} `PB_NOT_SUBSCRIBED` */
  unsubscribe(channel: string): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription === undefined) throw new WireError('PB_NOT_SUBSCRIBED', `the client does not follow ${channel}`);
    this.forget(subscription);
    this.hub.presence.leave(subscription);
  }

  /** A subscription that had begun cannot go on: the broker failed it, or the outlet. */
  onSubscriptionFailed(subscription: Subscription, error: unknown): void {
    const wireError = this.hub.toWireError(error);
    this.forget(subscription);
    this.hub.presence.leave(subscription);
    if (this.outlet.isOfOneChannel) this.close(wireError);
    const { code, message: detail } = wireError;
    this.tell({ type: 'unsubscribed', channel: subscription.channel.name, code, detail });
  }

  /** Hands a message to the outlet, unless the client does not read what it has been sent. */
  tell(message: ServerMessage): void {
    if (this.isEnding || this.isOverfull()) return;
    if (this.tap !== undefined) this.tap.sent(message);
    this.outlet.message(message);
  }

  /** Hands a publication to the outlet. @returns whether there is room for more */
  deliver(encoded: EncodedPublication): boolean {
    const { outlet } = this;
    if (this.isCongested && this.isOverfull()) return false;
    if (this.tap !== undefined) this.tap.sent(encoded.publication);
    if (outlet.publication(encoded)) return true;
    if (this.isCongested) {
      this.reading.added(outlet.queuedBytes);
    } else {
      this.isCongested = true;
      this.reading.begin(outlet.queuedBytes, performance.now());
      this.hub.roster.congested.add(this);
    }
    return false;
  }

  /** The outlet has room again. */
  drained(): void {
    if (!this.isCongested) return;
    this.isCongested = false;
    this.hub.roster.congested.delete(this);
    const { waiting } = this;
    this.waiting = new Set();
    for (const subscription of waiting) subscription.resume();
  }

  /** Looks whether a client that is congested reads at all. @param now by `performance.now()` */
  checkProgress(now: number): void {
    const { writeTimeout } = this.hub.limits;
    const stuckMs = this.reading.stuckFor(this.outlet.queuedBytes, now);
    if (stuckMs < writeTimeout || !this.followsStrictChannel()) return;
    this.closeAsSlow(`it has not read anything for ${writeTimeout} ms`);
  }

  /** Tells it why, and ends it: nothing more is delivered. */
  close(error: WireError, retryAfterMs?: number): void {
    if (this.isEnding) return;
    this.endedBy = error.code;
    // Between two polls the node ends, and not the client's stay.
    this.endSubscriptions(error.code === 'PB_HUB_DRAINING' && this.outlet.transport === 'poll');
    this.outlet.close(error, retryAfterMs);
  }

  /**
   * The way to the client is gone.
   * @param isReturning it is a poll that was answered: the client counts as present until its lease ends
   * @param closeCode of its WebSocket
   */
  closed(isReturning = false, closeCode?: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.endSubscriptions(isReturning);
    const ownReason = this.outlet.transport === 'poll' ? 'answered' : 'left';
    this.hub.roster.onClosed(this, this.endedBy ?? closeCode?.toString() ?? ownReason);
  }

  private async carryOut(command: Exclude<Command, { type: 'hello' }>): Promise<void> {
    const { channel } = command;
    const id = command.id === undefined ? {} : { id: command.id };
    switch (command.type) {
      case 'subscribe':
        return this.subscribe(channel, command);
      case 'unsubscribe':
        this.unsubscribe(channel);
        return this.tell({ type: 'unsubscribed', ...id, channel });
      case 'publish':
        return this.publish(command);
      case 'history':
        return this.history(command);
      case 'presence': {
        const members = await this.hub.members(channel, this.session);
        return this.tell({ type: 'presence', ...id, channel, members });
      }
    }
  }

  private async publish(command: PublishCommand): Promise<void> {
    const { id, channel, key, idempotencyKey, reach } = command;
    const publication = { ...payloadOfCommand(command), key, publisher: this.id };
    const result = await this.hub.publish(channel, publication, { idempotencyKey, reach, by: this.session });
    if (id !== undefined) this.tell({ type: 'published', id, channel, ...result });
  }

  private async history({ id, channel, since, limit }: HistoryCommand): Promise<void> {
    const { hub } = this;
    const page = await hub.history(channel, { since, limit }, this.session);
    // Half of what it may have to read: what is published meanwhile does not make it a slow client.
    const fitting = fitPage(page, since !== undefined, hub.limits.maxQueuedBytes / 2, hub.encodings.jsonBytes);
    this.tell(historyMessage(hub, channel, fitting, id));
  }

  private forget(subscription: Subscription): void {
    this.subscriptions.delete(subscription.channel.name);
    subscription.end();
  }

  private endSubscriptions(isReturning: boolean): void {
    this.isEnding = true;
    this.hub.roster.congested.delete(this);
    for (const subscription of this.subscriptions.values()) {
      this.forget(subscription);
      if (isReturning) this.hub.presence.linger(subscription);
      else this.hub.presence.leave(subscription);
    }
  }

  private followsStrictChannel(): boolean {
    for (const { channel } of this.subscriptions.values()) if (channel.rules.slowConsumer === 'close') return true;
    return false;
  }

  /** Whether it has so much to read that nothing may be added: then it is closed. */
  private isOverfull(): boolean {
    const { queuedBytes } = this.outlet;
    const { maxQueuedBytes } = this.hub.limits;
    this.reading.adding(queuedBytes);
    if (queuedBytes <= maxQueuedBytes) return false;
    this.closeAsSlow(`it has more than ${maxQueuedBytes} bytes to read`);
    return true;
  }

  private closeAsSlow(why: string): void {
    this.hub.hooks.limited?.('PB_SLOW_SUBSCRIBER', this.origin);
    this.close(
      new WireError('PB_SLOW_SUBSCRIBER', `the client does not read: ${why}; come back with the last position`),
    );
  }
}
