import { formatPosition, type Position, type Publication, type ServerMessage, type Since } from '@pulsebeacon/wire';
import type { HistoryPage, HistoryQuery } from './broker.ts';
import type { ChannelState } from './channel-state.ts';
import type { HubClient } from './client.ts';
import type { EncodedPublication } from './encoded-publication.ts';
import { HeldStates } from './held-states.ts';
import { subscribedMessage } from './message-json.ts';
import { storedSize } from './stored-size.ts';
import { toQuery } from './since-query.ts';

export interface SubscribeOptions {
  /** Where to begin. Default: with what is published from now on. */
  readonly since?: Since | undefined;
  /** Whether the client hears what it publishes itself. Default true. */
  readonly echo?: boolean | undefined;
  /** Whether the client counts as present, where the channel counts. Default true. */
  readonly isPresent?: boolean | undefined;
  /** Of the command that this answers. */
  readonly id?: number | undefined;
}

/** What became of a publication for one subscriber; `none`: it is not for it, or it has it already. */
export type Delivery = 'sent' | 'queued' | 'skipped' | 'none';

/** Every publication goes to the client as it comes. */
const LIVE = 0;
/** The client reads too slowly: what comes is dropped or conflated until it has room. */
const HOLDING = 1;
/** What lies behind `last` is read from the history, page by page. */
const CATCHING_UP = 2;
const ENDED = 3;

/** Publications that are read at once: enough for one write, few enough to wait in memory. */
const PAGE_SIZE = 100;
/** What comes live while a page is read waits, up to so many; beyond that it is read from the history, too. */
const MAX_PENDING = 256;

const NONE: readonly Publication[] = [];

/**
 * One client in one channel. It begins by catching up: the sink of the channel is there first, then the history is read
 * behind the client's position until it reaches what came live meanwhile. The same way leads back after a gap, and for
 * `spill` after a pause. So nothing is lost, doubled or out of order, whatever comes between.
 */
export class Subscription {
  readonly channel: ChannelState;
  readonly client: HubClient;
  /** For {@link Presence}: it counts there. */
  isPresent = false;
  private readonly echo: boolean;
  private state: typeof LIVE | typeof HOLDING | typeof CATCHING_UP | typeof ENDED = CATCHING_UP;
  /**
   * The client has been given everything up to here. Once the first publication has come live it is unset: from then on
   * the position is that of the channel.
   */
  private last: Position | undefined;
  private isWelcomed = false;
  private page: readonly Publication[] = NONE;
  private at = 0;
  private isReading = true;
  private hasMore = false;
  private pending: EncodedPublication[] = [];
  private pendingBytes = 0;
  /** Something that came live was not kept: the history has it. */
  private isIncomplete = false;
  /** Left out, and not yet told. */
  private skipped = 0;
  /** For `conflate`. */
  private held: HeldStates | undefined;

  constructor(channel: ChannelState, client: HubClient, echo: boolean) {
    this.channel = channel;
    this.client = client;
    this.echo = echo;
  }

  get isEnded(): boolean {
    return this.state === ENDED;
  }

  /**
   * Finds out where the client is, answers with `subscribed`, and goes on to deliver.
   * @throws where the broker fails
   */
  async begin({ since, id }: SubscribeOptions): Promise<void> {
    await this.channel.attached;
    if (this.isEnded) return;
    const query: HistoryQuery = since === undefined ? { limit: 1 } : { since: toQuery(since), limit: PAGE_SIZE };
    const page = await this.channel.broker.history(this.channel.name, query);
    if (this.isEnded) return;
    if (page.complete) this.welcome(page, since, id);
    else await this.restart(id);
    this.isReading = false;
    this.pump();
  }

  end(): void {
    if (this.isEnded) return;
    this.state = ENDED;
    this.page = NONE;
    this.pending = [];
    this.held = undefined;
    this.client.waiting.delete(this);
    this.channel.delete(this);
  }

  /** A publication has come live. */
  deliver(encoded: EncodedPublication): Delivery {
    if (this.state !== LIVE) return this.keep(encoded);
    const { client } = this;
    const { publication } = encoded;
    const { last } = this;
    if (last !== undefined) {
      if (isCovered(publication, last)) return 'none';
      if (publication.epoch !== last.epoch) {
        this.onGap();
        return 'queued';
      }
      this.last = undefined;
    }
    if (!this.echo && publication.publisher === client.id) return 'none';
    if (!client.isCongested) return client.deliver(encoded) ? 'sent' : 'queued';
    switch (this.channel.rules.slowConsumer) {
      case 'close':
        client.deliver(encoded);
        return 'queued';
      case 'spill':
        this.catchUpFrom(last ?? this.channel.last!);
        return 'queued';
      default:
        this.state = HOLDING;
        client.waiting.add(this);
        return this.hold(encoded);
    }
  }

  /** The broker cannot say what was published since the last publication. */
  onGap(): void {
    // What the history is asked for before this call may lack what is missing: it is asked again.
    if (this.state === CATCHING_UP) this.isIncomplete = true;
    else if (this.state !== ENDED) this.catchUpFrom(this.last ?? this.channel.last!);
    this.pump();
  }

  /** The client has room again. */
  resume(): void {
    if (this.isEnded || this.isWaiting()) return;
    this.tellSkipped();
    while (this.held !== undefined && this.held.size > 0) {
      this.client.deliver(this.held.take());
      if (this.isWaiting()) return;
    }
    if (this.state === HOLDING) this.state = LIVE;
    this.pump();
  }

  /** Tells what is no publication to a client that has been told that it follows the channel. */
  inform(message: ServerMessage): void {
    if (this.isWelcomed) this.client.tell(message);
  }

  /** It cannot go on. */
  fail(error: unknown): void {
    if (!this.isEnded) this.client.onSubscriptionFailed(this, error);
  }

  private welcome({ publications, top, more }: HistoryPage, since: Since | undefined, id: number | undefined): void {
    const from = positionOf(since);
    const position = since === undefined || publications.length === 0 ? top : from;
    this.last = position;
    if (since !== undefined) this.turnTo(publications, more);
    if (from !== undefined) this.client.hub.followed.onRecovery(true);
    this.tellSubscribed({ id, position, recovered: true });
  }

  /** What the client missed cannot be had: it is told the current state, and goes on from there. */
  private async restart(id: number | undefined): Promise<void> {
    const { publications, top } = await this.channel.broker.history(this.channel.name, { limit: 1 });
    if (this.isEnded) return;
    const state = publications.at(-1);
    this.last = top;
    this.turnTo(NONE, false);
    this.client.hub.followed.onRecovery(false);
    this.tellSubscribed({
      id,
      position: top,
      recovered: false,
      state: state === undefined ? null : this.encode(state),
    });
  }

  private tellSubscribed(content: {
    id: number | undefined;
    position: Position | undefined;
    recovered: boolean;
    state?: EncodedPublication | null;
  }): void {
    const { position } = content;
    this.isWelcomed = true;
    this.client.tell(
      subscribedMessage(this.channel.name, {
        ...content,
        position: position === undefined ? undefined : formatPosition(position),
      }),
    );
  }

  private tellSkipped(): void {
    if (this.skipped === 0) return;
    const count = this.skipped;
    this.skipped = 0;
    this.client.tell({ type: 'skipped', channel: this.channel.name, count });
  }

  /** What comes while it is not live: it waits, is left for the history, or is left out. */
  private keep(encoded: EncodedPublication): Delivery {
    if (this.state === ENDED || this.isOwn(encoded.publication)) return 'none';
    if (this.state === HOLDING) return this.hold(encoded);
    if (this.isIncomplete) return 'queued';
    this.pendingBytes += storedSize(encoded.publication);
    if (this.pending.length < MAX_PENDING && this.pendingBytes <= this.client.hub.limits.maxQueuedBytes) {
      this.pending.push(encoded);
    } else {
      this.leaveToHistory();
    }
    return 'queued';
  }

  private hold(encoded: EncodedPublication): Delivery {
    if (this.channel.rules.slowConsumer !== 'conflate') {
      this.skipped++;
      return 'skipped';
    }
    this.held ??= new HeldStates(this.client.hub.limits.maxQueuedBytes);
    const leftOut = this.held.add(encoded);
    this.skipped += leftOut;
    this.client.hub.followed.onSkipped(leftOut);
    return 'queued';
  }

  private catchUpFrom(last: Position): void {
    this.state = CATCHING_UP;
    this.last = last;
    this.turnTo(NONE, false);
    this.leaveToHistory();
    this.client.waiting.add(this);
  }

  private leaveToHistory(): void {
    this.isIncomplete = true;
    this.dropPending();
  }

  private dropPending(): void {
    this.pending = [];
    this.pendingBytes = 0;
  }

  private turnTo(page: readonly Publication[], hasMore: boolean): void {
    this.page = page;
    this.at = 0;
    this.hasMore = hasMore;
  }

  /** Whether the client has no room: then it is called back. */
  private isWaiting(): boolean {
    if (this.isEnded) return true;
    if (!this.client.isCongested) return false;
    this.client.waiting.add(this);
    return true;
  }

  /** Delivers what there is room for, and reads on. */
  private pump(): void {
    while (this.state === CATCHING_UP && !this.isReading) {
      if (this.isWaiting()) return;
      if (this.at < this.page.length) this.give(this.encode(this.page[this.at++]!));
      else if (this.hasMore || this.isIncomplete) this.readOn();
      else if (this.pending.length > 0) this.givePending();
      else this.goLive();
    }
  }

  private give(encoded: EncodedPublication): void {
    const { publication } = encoded;
    this.last = publication;
    if (!this.isOwn(publication)) this.client.deliver(encoded);
  }

  /** Everything that the history had is delivered: what came live meanwhile follows, as far as it is newer. */
  private givePending(): void {
    const encoded = this.pending.shift()!;
    const { publication } = encoded;
    this.pendingBytes -= storedSize(publication);
    if (isCovered(publication, this.last!)) return;
    // In another epoch nothing says what lies between.
    if (publication.epoch === this.last!.epoch) this.give(encoded);
    else this.leaveToHistory();
  }

  private goLive(): void {
    this.state = LIVE;
    this.turnTo(NONE, false);
  }

  private readOn(): void {
    if (!this.hasMore) {
      // A page that is read from now on has everything that was not kept.
      this.isIncomplete = false;
      this.dropPending();
    }
    this.isReading = true;
    this.readPage({ since: { position: this.last! }, limit: PAGE_SIZE }).catch((error: unknown) => this.fail(error));
  }

  private async readPage(query: HistoryQuery): Promise<void> {
    const page = await this.channel.broker.history(this.channel.name, query);
    if (this.isEnded) return;
    if (page.complete) this.turnTo(page.publications, page.more);
    else await this.restart(undefined);
    this.isReading = false;
    this.pump();
  }

  private encode(publication: Publication): EncodedPublication {
    return this.client.hub.encodings.get(publication);
  }

  private isOwn({ publisher }: Publication): boolean {
    return !this.echo && publisher === this.client.id;
  }
}

/** Whether the client has been given a publication already: it is not newer than its position. */
function isCovered({ epoch, offset }: Publication, last: Position): boolean {
  return offset <= last.offset && epoch === last.epoch;
}

function positionOf(since: Since | undefined): Position | undefined {
  return typeof since === 'object' && 'position' in since ? since.position : undefined;
}
