import type {
  HistoryMessage,
  Member,
  PresenceMessage,
  PublishedMessage,
  Reach,
  ServerMessage,
} from '@pulsebeacon/wire';
import { Cursor } from './connection/cursor.ts';
import { Emitter } from './emitter.ts';
import { BeaconError } from './errors.ts';
import { type Publication, randomId, toPayload, toPublication } from './payload.ts';
import { globals, throwLater } from './platform.ts';
import type { Reply } from './outbox.ts';
import type { WireCommand } from './transports/transport.ts';

/** What a {@link Channel} tells beside its publications. */
export interface ChannelEvents<T> {
  /** The server follows the channel for this client, for the first time or again. */
  subscribed: { readonly recovered: boolean; readonly position: string | undefined };
  /** Publications were missed that cannot be had any more. What comes from now on is complete again. */
  notRecovered: NotRecovered<T>;
  /** The server left publications out before the next one, because this client reads too slowly. */
  skipped: { readonly count: number };
  /** Somebody is present now, or no longer. */
  join: Member;
  leave: Member;
  /** The subscription has ended, and is not tried again. */
  error: BeaconError;
}

export interface NotRecovered<T> {
  /** The newest publication that is kept: the current state. Null where none is. */
  readonly state: Publication<T> | null;
  /** The last position that was had; undefined where there was none. */
  readonly since: string | undefined;
  /** Where the channel is now. */
  readonly position: string | undefined;
}

export type PublicationHandler<T> = (publication: Publication<T>) => void;

export interface SubscribeOptions<T> {
  readonly onPublication?: PublicationHandler<T>;
  /** Where to begin: a position, a duration such as `10m`, or `all`. Default: now. */
  readonly since?: string;
  /** Whether this client hears what it publishes itself. Default true. */
  readonly echo?: boolean;
}

export interface Subscription {
  /**
   * Resolves once the server follows the channel for this client; rejects where it refuses to. After the beacon has given up,
   * neither comes before it is asked to try again. Where nobody reads this, and nobody listens for `error`, a refusal is said
   * on the console.
   */
  readonly ready: Promise<void>;
  unsubscribe(): void;
}

export interface PublishOptions {
  /** What it is the newest state of, for channels that keep the newest of each key. */
  readonly key?: string;
  /** What is published twice with the same key is published once. Default: a random one. */
  readonly idempotencyKey?: string;
  /** Default: that of JSON, or of bytes. A string with a type such as `text/plain` is text. */
  readonly contentType?: string;
  /** Whether the result says how many subscribers it reached. Default false. */
  readonly reach?: boolean;
}

export interface Published {
  readonly position: string;
  /** It had been published before, with the same idempotency key. */
  readonly duplicate: boolean;
  readonly reach?: Reach;
}

export interface HistoryOptions {
  /** As for {@link SubscribeOptions.since}. Default: the newest. */
  readonly since?: string;
  /** Most publications. Default: as many as the server gives. */
  readonly limit?: number;
}

export interface History<T> {
  /** In their order. */
  readonly publications: readonly Publication<T>[];
  /** Where the channel was when it was read. */
  readonly position: string;
  /** Whether nothing is missing between `since` and the first of them. */
  readonly complete: boolean;
  /** Whether there are more behind the last of them. */
  readonly more: boolean;
}

/** What a channel needs of the beacon. */
export interface ChannelHost {
  send(command: WireCommand): Promise<Reply>;
  /** Which channels are followed has changed. */
  sync(): void;
  /** The server has ended the subscription; it is to be tried again after a while. */
  resume(channel: string, retryAfter: number | undefined): void;
}

/** For a `for await` loop. */
const MOST_WAITING = 10_000;

interface Follower<T> {
  readonly onPublication: PublicationHandler<T>;
  readonly onError: (error: BeaconError) => void;
  readonly onReady: () => void;
  /** Somebody hears of its error by another way than the event. */
  readonly hasEar: boolean;
}

/** One channel: to follow, to publish in, and to ask about. */
export class Channel<T = unknown> extends Emitter<ChannelEvents<T>> {
  readonly name: string;
  private readonly host: ChannelHost;
  private readonly followers = new Set<Follower<T>>();
  private cursor = new Cursor();
  private echo = true;
  private isReady = false;
  private isResting = false;

  private readonly id: number;

  constructor(name: string, id: number, host: ChannelHost) {
    super();
    this.name = name;
    this.id = id;
    this.host = host;
  }

  /** The last position that was had; it can be kept, and given as `since` another day. */
  get position(): string | undefined {
    return this.cursor.since;
  }

  /**
   * Follows the channel: every publication comes once, in order, whatever happens to the connection, or `notRecovered` says
   * that it cannot. Several subscriptions of one channel are one to the server, and begin where it is.
   * @throws {BeaconError} `PB_ALREADY_SUBSCRIBED` for `since` or `echo` where the channel is followed already
   */
  subscribe(wish: PublicationHandler<T> | SubscribeOptions<T> = {}): Subscription {
    const options = typeof wish === 'function' ? { onPublication: wish } : wish;
    const { onPublication = () => {}, since, echo = true } = options;
    if (this.followers.size === 0) {
      this.cursor = new Cursor(since);
      this.echo = echo;
    } else if (since !== undefined || echo !== this.echo) {
      const detail = `${this.name} is followed already: leave since and echo out`;
      throw new BeaconError('PB_ALREADY_SUBSCRIBED', detail);
    }
    let onReady!: () => void;
    let onError!: (error: BeaconError) => void;
    const ready = new Promise<void>((resolve, reject) => {
      onReady = resolve;
      onError = reject;
    });
    let isAsked = false;
    let isSettled = false;
    const settle = (): void => void (isSettled = true);
    ready.then(settle, settle);
    const unsubscribe = this.follow({
      onPublication,
      onError,
      onReady,
      // Once settled, it tells nobody of what comes after.
      get hasEar() {
        return isAsked && !isSettled;
      },
    });
    return {
      get ready() {
        isAsked = true;
        return ready;
      },
      unsubscribe,
    };
  }

  /**
   * `for await (const { data } of channel)`: follows the channel until the loop is left. Up to 10,000 publications wait for
   * the loop; then it ends with `PB_ITERATOR_FULL`, and not with less than all.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Publication<T>, void, undefined> {
    const queue: Publication<T>[] = [];
    let failure: BeaconError | undefined;
    let wake = (): void => {};
    const onError = (error: BeaconError): void => {
      failure ??= error;
      wake();
    };
    const unfollow = this.follow({
      onReady: () => {},
      onError,
      hasEar: true,
      onPublication: (publication) => {
        if (failure === undefined && queue.push(publication) > MOST_WAITING) {
          onError(new BeaconError('PB_ITERATOR_FULL', `${MOST_WAITING} publications wait: the loop is too slow`));
        }
        wake();
      },
    });
    try {
      for (;;) {
        // Not one after the other from the front, which takes longer the more there are.
        for (const publication of queue.splice(0)) yield publication;
        if (queue.length > 0) continue;
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      unfollow();
    }
  }

  /**
   * Resolves with its position once it is published. While there is no connection it waits, and is published once,
   * whatever is sent twice. Rejects with a {@link BeaconError}: what the server says, or `PB_QUEUE_FULL`.
   */
  async publish(data: T, options: PublishOptions = {}): Promise<Published> {
    const { contentType, key, idempotencyKey = randomId(), reach } = options;
    const reply = await this.host.send({
      type: 'publish',
      channel: this.name,
      ...toPayload(data, contentType),
      idempotencyKey,
      key,
      reach,
    });
    const { position, duplicate, reach: reached } = reply as PublishedMessage;
    return { position, duplicate, ...(reached === undefined ? {} : { reach: reached }) };
  }

  /** What is kept of it. */
  async history(options: HistoryOptions = {}): Promise<History<T>> {
    const reply = await this.host.send({ type: 'history', channel: this.name, ...options });
    const { publications, position, complete, more } = reply as HistoryMessage;
    return { publications: publications.map((each) => toPublication<T>(each)), position, complete, more };
  }

  /** Who is present. */
  async presence(): Promise<readonly Member[]> {
    const reply = await this.host.send({ type: 'presence', channel: this.name });
    return (reply as PresenceMessage).members;
  }

  /** For the beacon: how it is followed; undefined where nobody wants to, or not now. */
  get subscribeCommand(): WireCommand | undefined {
    if (this.followers.size === 0 || this.isResting) return undefined;
    const { id, name, echo, cursor } = this;
    return { type: 'subscribe', id, channel: name, since: cursor.since, echo };
  }

  /** For the beacon: the server has said something about this channel. */
  onMessage(message: ServerMessage): void {
    if (this.followers.size === 0) return;
    switch (message.type) {
      case 'publication':
        if (this.cursor.accept(message.position)) this.deliver(toPublication<T>(message));
        break;
      case 'subscribed':
        this.onSubscribed(message);
        break;
      case 'skipped':
        this.emit('skipped', { count: message.count });
        break;
      case 'join':
      case 'leave': {
        const { type, channel: _, ...member } = message;
        this.emit(type, member);
        break;
      }
    }
  }

  /** For the beacon: a subscription was refused, or has ended. */
  onRefused(error: BeaconError): void {
    if (this.followers.size === 0) return;
    this.isReady = false;
    if (error.retry) {
      this.isResting = true;
      this.host.resume(this.name, error.retryAfter);
    } else {
      // A page of three lines would stay empty, and not say why.
      if (this.isUnheard) globals.console.error('subscription ended:', this.name, error);
      this.fail(error);
    }
  }

  /** For the beacon: nothing more comes. */
  fail(error: BeaconError): void {
    const followers = [...this.followers];
    this.followers.clear();
    this.isReady = false;
    for (const { onError } of followers) onError(error);
    if (followers.length > 0) this.emit('error', error);
    this.host.sync();
  }

  /** For the beacon: it has given up. Should it be asked to try again, subscriptions go on where they were. */
  onGivenUp(error: BeaconError): void {
    if (this.followers.size === 0) return;
    this.isReady = false;
    for (const { onError } of this.followers) onError(error);
    this.emit('error', error);
  }

  /** For the beacon: it is followed, and nobody would hear that this has ended. */
  get isUnheard(): boolean {
    const { followers } = this;
    return followers.size > 0 && !this.hasListener('error') && ![...followers].some(({ hasEar }) => hasEar);
  }

  /** For the beacon: it has rested. */
  wake(): void {
    this.isResting = false;
    this.host.sync();
  }

  private follow(follower: Follower<T>): () => void {
    this.followers.add(follower);
    if (this.isReady) follower.onReady();
    if (this.followers.size === 1) this.host.sync();
    return () => {
      if (!this.followers.delete(follower) || this.followers.size > 0) return;
      this.isReady = false;
      this.cursor = new Cursor();
      this.echo = true;
      this.host.sync();
    };
  }

  private onSubscribed({ position, recovered, state }: ServerMessage & { readonly type: 'subscribed' }): void {
    const { since } = this.cursor;
    const isGap = this.cursor.onSubscribed(position, recovered);
    const wasReady = this.isReady;
    this.isReady = true;
    for (const { onReady } of this.followers) onReady();
    if (isGap) {
      this.emit('notRecovered', { state: state ? toPublication<T>(state) : null, since, position });
    }
    // Each poll subscribes anew, which is nothing to tell.
    if (!wasReady || isGap) this.emit('subscribed', { recovered: !isGap, position: this.cursor.since });
  }

  private deliver(publication: Publication<T>): void {
    for (const { onPublication } of this.followers) {
      try {
        onPublication(publication);
      } catch (error) {
        throwLater(error);
      }
    }
  }
}
