import {
  formatPosition,
  type Position,
  type Publication,
  type PublicationMessage,
  type Since,
  type SubscribedMessage,
} from '@pulsebeacon/wire';
import type { HistoryPage, HistoryQuery } from './broker.ts';
import type { ChannelState } from './channel-state.ts';
import type { HubClient } from './client.ts';
import type { EncodedPublication, EncodingCache } from './encoded-publication.ts';
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

/** What became of a publication for one subscriber; `none`: it is not for it, or comes later by another way. */
export type Delivery = 'sent' | 'queued' | 'skipped' | 'none';

/** Every publication goes to the client as it comes. */
const LIVE = 0;
/** What lies behind `last` is read from the history, page by page. */
const CATCHING_UP = 1;
const ENDED = 2;

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
  private readonly echo: boolean;
  private readonly cache: EncodingCache;
  private state: typeof LIVE | typeof CATCHING_UP | typeof ENDED = CATCHING_UP;
  /** While catching up: the client has been given everything up to here. */
  private last: Position | undefined;
  private page: readonly Publication[] = NONE;
  private at = 0;
  private isReading = true;
  private hasMore = false;
  private pending: EncodedPublication[] = [];
  /** Something that came live was not kept: the history has it. */
  private isIncomplete = false;
  /** Left out, and not yet told. */
  private skipped = 0;
  /** For `conflate`: the newest of each key, waiting for room. */
  private held: Map<string, EncodedPublication> | undefined;

  constructor(channel: ChannelState, client: HubClient, echo: boolean, cache: EncodingCache) {
    this.channel = channel;
    this.client = client;
    this.echo = echo;
    this.cache = cache;
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

  deliver(encoded: EncodedPublication): Delivery {
    const { client } = this;
    if (this.state !== LIVE) return this.keep(encoded);
    if (!this.echo && encoded.publication.publisher === client.id) return 'none';
    if (!client.isCongested) return client.deliver(encoded) ? 'sent' : 'queued';
    switch (this.channel.rules.slowConsumer) {
      case 'close':
        client.deliver(encoded);
        return 'queued';
      case 'drop':
        this.skipped++;
        client.waiting.add(this);
        return 'skipped';
      case 'conflate':
        return this.hold(encoded);
      case 'spill':
        this.catchUpFrom(this.channel.last);
        return 'queued';
    }
  }

  /** The broker cannot say what was published since the last publication. */
  onGap(): void {
    if (this.state === LIVE) this.catchUpFrom(this.channel.last);
    else this.isIncomplete = true;
    this.pump();
  }

  /** The client has room again. */
  resume(): void {
    if (this.skipped > 0) {
      this.client.outlet.message({ type: 'skipped', channel: this.channel.name, count: this.skipped });
      this.skipped = 0;
    }
    if (this.held !== undefined) this.release();
    this.pump();
  }

  private get isEnded(): boolean {
    return this.state === ENDED;
  }

  private welcome(page: HistoryPage, since: Since | undefined, id: number | undefined): void {
    const position = since === undefined || page.publications.length === 0 ? page.top : positionOf(since);
    this.last = position;
    if (positionOf(since) !== undefined) this.client.hub.onRecovery(true);
    this.tell({ recovered: true, ...(position === undefined ? {} : { position: formatPosition(position) }) }, id);
    if (since === undefined) return;
    this.page = page.publications;
    this.at = 0;
    this.hasMore = page.more;
  }

  /** What the client missed cannot be had: it is told the current state, and goes on from there. */
  private async restart(id: number | undefined): Promise<void> {
    const { publications, top } = await this.channel.broker.history(this.channel.name, { limit: 1 });
    if (this.isEnded) return;
    const state = publications.at(-1);
    this.client.hub.onRecovery(false);
    this.last = top;
    this.page = NONE;
    this.at = 0;
    this.hasMore = false;
    const message = state === undefined ? null : (JSON.parse(this.cache.get(state).json) as PublicationMessage);
    this.tell({ recovered: false, position: formatPosition(top), state: message }, id);
  }

  private tell(rest: Omit<SubscribedMessage, 'type' | 'id' | 'channel'>, id: number | undefined): void {
    const message = { type: 'subscribed', ...(id === undefined ? {} : { id }), channel: this.channel.name } as const;
    this.client.outlet.message({ ...message, ...rest });
  }

  /** While catching up: what comes live waits, or is left for the history. */
  private keep(encoded: EncodedPublication): Delivery {
    if (this.state === ENDED) return 'none';
    if (this.isIncomplete) return 'queued';
    if (this.pending.length < MAX_PENDING) {
      this.pending.push(encoded);
    } else {
      this.pending = [];
      this.isIncomplete = true;
    }
    return 'queued';
  }

  private hold(encoded: EncodedPublication): Delivery {
    this.held ??= new Map();
    const key = encoded.publication.key ?? '';
    // To the end: what is held leaves in the order of offsets.
    if (this.held.delete(key)) this.skipped++;
    this.held.set(key, encoded);
    this.client.waiting.add(this);
    return 'queued';
  }

  private release(): void {
    for (const [key, encoded] of this.held!) {
      if (this.client.isCongested) {
        this.client.waiting.add(this);
        return;
      }
      this.held!.delete(key);
      this.client.deliver(encoded);
    }
    this.held = undefined;
  }

  private catchUpFrom(last: Position | undefined): void {
    this.state = CATCHING_UP;
    this.last = last;
    this.page = NONE;
    this.at = 0;
    this.hasMore = false;
    this.pending = [];
    this.isIncomplete = true;
    this.client.waiting.add(this);
  }

  /** Delivers what there is room for, and reads on. */
  private pump(): void {
    while (this.state === CATCHING_UP && !this.isReading) {
      if (this.client.isCongested) {
        this.client.waiting.add(this);
        return;
      }
      if (this.at < this.page.length) this.give(this.cache.get(this.page[this.at++]!));
      else if (this.hasMore || this.isIncomplete) this.readOn();
      else this.goLive();
    }
  }

  private give(encoded: EncodedPublication): void {
    const { publication } = encoded;
    this.last = publication;
    if (!this.echo && publication.publisher === this.client.id) return;
    this.client.deliver(encoded);
  }

  /** Everything that the history had is delivered: what came live meanwhile follows, as far as it is newer. */
  private goLive(): void {
    const { pending, last } = this;
    const next = pending.findIndex(({ publication }) => !isCovered(publication, last));
    this.pending = [];
    if (next === -1) {
      this.state = LIVE;
      this.page = NONE;
      return;
    }
    // As if they were a page: they wait for room like the others.
    const rest = pending.slice(next);
    this.page = rest.map(({ publication }) => publication);
    this.at = 0;
  }

  private readOn(): void {
    if (!this.hasMore) {
      // A page that is read from now on has everything that was not kept.
      this.isIncomplete = false;
      this.pending = [];
    }
    const query: HistoryQuery =
      this.last === undefined
        ? { since: 'all', limit: PAGE_SIZE }
        : { since: { position: this.last }, limit: PAGE_SIZE };
    this.isReading = true;
    this.readPage(query).catch((error: unknown) => this.fail(error));
  }

  private async readPage(query: HistoryQuery): Promise<void> {
    const page = await this.channel.broker.history(this.channel.name, query);
    if (this.isEnded) return;
    if (page.complete) {
      this.page = page.publications;
      this.at = 0;
      this.hasMore = page.more;
    } else {
      await this.restart(undefined);
    }
    this.isReading = false;
    this.pump();
  }

  private fail(error: unknown): void {
    if (this.isEnded) return;
    this.client.onSubscriptionFailed(this, error);
  }
}

/** Whether the client has been given a publication already: it is not newer than its position. */
function isCovered(publication: Publication, last: Position | undefined): boolean {
  return last !== undefined && publication.epoch === last.epoch && publication.offset <= last.offset;
}

function positionOf(since: Since | undefined): Position | undefined {
  return typeof since === 'object' && 'position' in since ? since.position : undefined;
}
