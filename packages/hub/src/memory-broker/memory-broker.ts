import { randomBytes } from 'node:crypto';
import type { Position, Publication } from '@pulsebeacon/wire';
import type {
  Broker,
  BrokerGuarantees,
  BrokerSink,
  HistoryPage,
  HistoryQuery,
  Lease,
  NewPublication,
  PublishOptions,
  Receipt,
  Retention,
} from '../broker.ts';
import { NodeListeners } from '../node-listeners.ts';
import { SinkRegistry } from '../sink-registry.ts';
import { ChannelLog } from './channel-log.ts';
import { ExpiringMap } from './expiring-map.ts';
import { Floors } from './floors.ts';
import { readPage } from './history-page.ts';
import { LeaseTable } from './lease-table.ts';
import { LogBudget, quarterOfMemory } from './log-budget.ts';
import { Rounds } from './rounds.ts';
import { SteadyClock } from './steady-clock.ts';

const SWEEP_MS = 1000;
/** What a channel takes beside its publications, roughly: itself, its log, and its place among the others. */
const CHANNEL_BYTES = 640;
const EVERYTHING: HistoryQuery = { since: 'all', limit: Number.MAX_SAFE_INTEGER };

export interface MemoryBrokerOptions {
  /**
   * Bytes that publications may take in memory, all channels together: their payloads, 256 each, and 640 for each channel.
   * Beyond it the oldest of all go first. Default: a quarter of the memory of the machine or container, at most half of V8's heap.
   */
  readonly maxBytes?: number;
}

interface ChannelState {
  readonly log: ChannelLog;
  /** As the last publication had it. */
  retention: Retention;
}

/**
 * Keeps everything in the memory of this process: what is published is gone when it ends. Hubs of one process that are
 * given the same MemoryBroker are the nodes of one fleet.
 *
 * Everything happens at once: `publish` has told all sinks when it returns. What a sink publishes from within a call is
 * told after the call, so that all sinks hear everything in the same order. What a sink throws is thrown again in a
 * microtask, where the process hears of it and other sinks do not.
 *
 * There is one epoch and one counter of offsets for all channels, so that a channel which is forgotten, because all that
 * was kept of it has expired and nobody follows it, can come back without giving an offset twice.
 */
export class MemoryBroker implements Broker {
  readonly guarantees: BrokerGuarantees = { durable: false, recoverable: true };
  private readonly epoch = randomBytes(6).toString('base64url');
  private offset = 0;
  private readonly sinks = new SinkRegistry();
  private readonly nodes = new NodeListeners();
  private readonly channels = new Map<string, ChannelState>();
  private readonly budget: LogBudget;
  private readonly floors = new Floors();
  private readonly receipts = new ExpiringMap<Receipt>();
  private readonly claims = new ExpiringMap<true>();
  private readonly held = new LeaseTable();
  private readonly rounds: Rounds<string, ChannelState>;
  private readonly clock = new SteadyClock();
  private sweeping: NodeJS.Timeout | undefined;

  constructor({ maxBytes = quarterOfMemory() }: MemoryBrokerOptions = {}) {
    this.budget = new LogBudget(maxBytes, (channel) => this.forgetIfIdle(channel));
    this.rounds = new Rounds(this.channels, (channel, state) => {
      this.trim(state, this.now());
      this.forgetIfIdle(channel);
    });
  }

  publish(channel: string, publication: NewPublication, options: PublishOptions): Receipt {
    const time = this.now();
    const { idempotencyKey } = options;
    // No name of a channel has a line end.
    const key = idempotencyKey === undefined ? undefined : `${channel}\n${idempotencyKey}`;
    if (key !== undefined) {
      const first = this.receipts.get(key, time);
      if (first !== undefined) return { ...first, duplicate: true };
    }
    const { kind, contentType, data, publisher } = publication;
    const { epoch } = this;
    const offset = ++this.offset;
    const published: Publication = {
      channel,
      epoch,
      offset,
      time,
      kind,
      contentType,
      data,
      key: publication.key,
      publisher,
    };
    const receipt = { epoch, offset, time, duplicate: false };
    if (key !== undefined) this.receipts.set(key, receipt, time + options.idempotencyMs);
    this.keep(published, options.retention);
    this.sweepLater();
    this.sinks.publication(published);
    return receipt;
  }

  subscribe(channel: string, sink: BrokerSink, since?: Position): void {
    const after = this.offset;
    if (since === undefined) {
      this.sinks.add(channel, sink, after);
      return;
    }
    const page = this.history(channel, { ...EVERYTHING, since: { position: since } });
    this.sinks.add(channel, sink, after, page.complete ? page.publications : 'gap');
  }

  unsubscribe(channel: string, sink: BrokerSink): void {
    this.sinks.delete(channel, sink);
  }

  history(channel: string, query: HistoryQuery): HistoryPage {
    const state = this.channels.get(channel);
    if (state === undefined) {
      return readPage(new ChannelLog(channel, this.budget, this.floors.of(channel)), this.epoch, query);
    }
    this.trim(state, this.now());
    return readPage(state.log, this.epoch, query);
  }

  signal(channel: string, data: string): void {
    this.sinks.signal(channel, data);
  }

  lease(key: string, ttlMs: number, value: string): void {
    this.held.take(key, value, Date.now() + ttlMs);
    this.sweepLater();
  }

  release(key: string): void {
    this.held.release(key);
  }

  leases(prefix: string): readonly Lease[] {
    return this.held.list(prefix, Date.now());
  }

  claim(key: string, ttlMs: number): boolean {
    const now = this.now();
    if (this.claims.get(key, now) !== undefined) return false;
    this.claims.set(key, true, now + ttlMs);
    this.sweepLater();
    return true;
  }

  listen(node: string, handler: (message: string) => void): () => void {
    return this.nodes.listen(node, handler);
  }

  notify(node: string, message: string): void {
    this.nodes.notify(node, message);
  }

  close(): Promise<void> {
    clearInterval(this.sweeping);
    this.sinks.clear();
    this.nodes.clear();
    this.channels.clear();
    for (const map of [this.receipts, this.claims, this.held]) map.clear();
    return Promise.resolve();
  }

  /** The time of day, which never goes back here: times of publications are in the order of their offsets. */
  private now(): number {
    return this.clock.now();
  }

  private keep(publication: Publication, retention: Retention): void {
    const { channel, offset } = publication;
    let state = this.channels.get(channel);
    if (state === undefined) {
      if (retention.size === 0) {
        this.floors.raise(channel, offset);
        return;
      }
      state = { log: new ChannelLog(channel, this.budget, this.floors.of(channel)), retention };
      this.channels.set(channel, state);
      this.budget.hold(CHANNEL_BYTES);
    }
    state.retention = retention;
    state.log.push(publication);
    this.trim(state, publication.time);
  }

  private trim({ log, retention }: ChannelState, now: number): void {
    log.trim(retention.size, now - retention.ageMs);
  }

  private forgetIfIdle(channel: string): void {
    const log = this.channels.get(channel)?.log;
    if (log === undefined || log.length > 0 || this.sinks.has(channel)) return;
    this.floors.raise(channel, log.top);
    this.channels.delete(channel);
    this.budget.remove(CHANNEL_BYTES);
  }

  private sweepLater(): void {
    this.sweeping ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** One timer frees whatever has expired, and stops where nothing is left to watch. */
  private sweep(): void {
    const now = this.now();
    this.rounds.step();
    this.receipts.sweep(now);
    this.claims.sweep(now);
    // Others see when leases end, so that their time is the time of day.
    this.held.sweep(Date.now());
    if (this.channels.size + this.receipts.size + this.claims.size + this.held.size > 0) return;
    clearInterval(this.sweeping);
    this.sweeping = undefined;
  }
}
