import type { HistoryPage, HistoryQuery } from '@pulsebeacon/hub';
import { Floors, LogBudget, Rounds } from '@pulsebeacon/hub/broker-parts';
import type { Publication } from '@pulsebeacon/wire';
import { type ChannelNumbers, ChannelState, decodeChannel, newChannel } from './channel-state.ts';
import { LAST_OFFSET, offsetOf, segmentKey } from './keys.ts';
import { decodeNumbers, decodeSegment, lastTimeOf } from './records.ts';
import type { Store, Write } from './store.ts';

/** Histories up to this length are read into memory as a whole when somebody asks for what is not there. */
const CACHED_WHOLE = 2000;
/** Segments that are removed at once from one channel. */
const REMOVED_AT_ONCE = 64;
const IDLE_MS = 10_000;
const NOTHING = { size: 0, ageMs: 0 };

/** The channels, as far as they are committed: the newest in memory, all on disk. */
export class ChannelTable {
  readonly floors: Floors = new Floors();
  private readonly store: Store;
  private readonly states = new Map<string, ChannelState>();
  private readonly rounds: Rounds<string, ChannelState>;
  private readonly budget: LogBudget;

  /** @param cacheBytes what publications may take in memory */
  constructor(store: Store, cacheBytes: number) {
    this.store = store;
    this.budget = new LogBudget(cacheBytes, () => {});
    this.rounds = new Rounds(this.states, (channel, { log, usedAt }) => {
      if (usedAt > performance.now() - IDLE_MS) return;
      while (log.length > 0) log.shift();
      this.states.delete(channel);
    });
    for (const { key, value } of store.floors.getRange({})) {
      this.floors.raiseBucket(Buffer.from(key).readUInt16BE(0), decodeNumbers(value)[0]!);
    }
  }

  find(channel: string): ChannelState | undefined {
    let state = this.states.get(channel);
    if (state === undefined) {
      const value = this.store.channels.get(Buffer.from(channel));
      if (value === undefined) return undefined;
      state = this.add(new ChannelState(channel, decodeChannel(value), this.budget));
    }
    state.usedAt = performance.now();
    return state;
  }

  /** A channel that is not there yet; `add` it when it is committed. */
  create(channel: string): ChannelState {
    return new ChannelState(channel, newChannel(this.floors.of(channel), NOTHING), this.budget);
  }

  add(state: ChannelState): ChannelState {
    this.states.set(state.name, state);
    state.usedAt = performance.now();
    return state;
  }

  /** The newest offset that is committed. */
  topOf(channel: string): number {
    return this.find(channel)?.numbers.top ?? this.floors.of(channel);
  }

  /** A publication is committed. */
  apply(state: ChannelState, publication: Publication): void {
    state.numbers.top = publication.offset;
    state.log.push(publication);
  }

  /** Forgets, in memory and for good, a channel of which nothing is kept. */
  forget(state: ChannelState): void {
    this.floors.raise(state.name, state.numbers.top);
    this.states.delete(state.name);
  }

  /** Lets go of some of what nobody has asked for of late: it is on disk. Not while a transaction is under way. */
  letGo(): void {
    this.rounds.step();
  }

  page(channel: string, { since, limit }: HistoryQuery, now: number): HistoryPage {
    const { epoch } = this.store;
    const state = this.find(channel) ?? this.create(channel);
    this.settle(state, now);
    const { top, dropped } = state.numbers;
    let after = since === undefined ? Math.max(dropped, top - limit) : dropped;
    let complete = true;
    let time = 0;
    if (typeof since === 'object') {
      if ('time' in since) {
        time = since.time;
      } else {
        const { offset } = since.position;
        complete = since.position.epoch === epoch && offset >= dropped && offset <= top;
        if (since.position.epoch === epoch) after = Math.max(dropped, Math.min(offset, top));
      }
    }
    const publications = this.read(state, after, limit, time);
    const last = publications.at(-1)?.offset ?? top;
    return { publications, top: { epoch, offset: top }, complete, more: last < top };
  }

  /** Drops, in thought, what is beyond the retention. */
  settle(state: ChannelState, now: number): void {
    const { numbers, log } = state;
    const { size, ageMs } = numbers.retention;
    const oldest = now - ageMs;
    numbers.dropped = Math.max(numbers.dropped, numbers.top - size);
    const isWhole = log.dropped <= numbers.dropped;
    log.trim(size, oldest);
    if (isWhole) numbers.dropped = Math.max(numbers.dropped, log.dropped);
    else if (state.oldestTime < oldest) this.settleOnDisk(state, oldest);
  }

  /** Of the oldest that is kept, or somewhat before; where something is kept, and it is settled. */
  oldestTimeOf({ log, numbers, oldestTime }: ChannelState): number {
    return log.dropped <= numbers.dropped ? log.at(0).time : oldestTime;
  }

  /** What removes from disk, some at a time, what is dropped, and up to which offset nothing is left then. */
  removals(channel: string, { dropped, top }: ChannelNumbers): { readonly writes: Write[]; readonly removed: number } {
    const { segments } = this.store;
    const range = { start: segmentKey(channel, 0), end: segmentKey(channel, dropped + 2), limit: REMOVED_AT_ONCE + 1 };
    const keys = [...segments.getKeys(range)].map((key) => Buffer.from(key));
    // A segment ends where the next begins; where the last of these ends is known only if nothing at all is kept.
    const isAll = dropped === top && keys.length <= REMOVED_AT_ONCE;
    const gone = isAll ? keys : keys.slice(0, -1);
    const next = keys[gone.length];
    return {
      writes: gone.map((key) => ({ table: segments, key, value: undefined })),
      removed: next === undefined ? dropped : offsetOf(next) - 1,
    };
  }

  private settleOnDisk(state: ChannelState, oldest: number): void {
    for (const publication of this.scan(state, state.numbers.dropped, oldest)) {
      state.oldestTime = publication.time;
      state.numbers.dropped = publication.offset - 1;
      return;
    }
    state.numbers.dropped = state.numbers.top;
  }

  private read(state: ChannelState, after: number, limit: number, time: number): Publication[] {
    const { log, numbers } = state;
    const isShort = numbers.top - numbers.dropped <= CACHED_WHOLE;
    if (after < log.dropped && isShort && !state.isTooLarge) this.fill(state);
    if (after >= log.dropped) {
      const from = Math.max(log.indexAfter(after), time === 0 ? 0 : log.indexFrom(time));
      return log.slice(from, Math.min(log.length, from + limit));
    }
    const publications: Publication[] = [];
    if (limit < 1) return publications;
    for (const publication of this.scan(state, after, time)) {
      publications.push(publication);
      if (publications.length === limit) break;
    }
    return publications;
  }

  /** Reads all that is kept into memory, if there is room for it. */
  private fill(state: ChannelState): void {
    const { log, numbers } = state;
    while (log.length > 0) log.shift();
    log.dropped = numbers.dropped;
    for (const publication of this.scan(state, numbers.dropped, 0)) {
      log.push(publication);
      if (log.dropped === numbers.dropped) continue;
      // The cache has let the first ones go again: half a history is none.
      state.isTooLarge = true;
      while (log.length > 0) log.shift();
      log.dropped = numbers.top;
      return;
    }
  }

  /** Publications from disk that come after an offset and are at least as new as a time. */
  private *scan(state: ChannelState, after: number, time: number): Generator<Publication> {
    const { name, numbers } = state;
    const { segments, epoch } = this.store;
    const start = this.segmentOf(name, after + 1);
    for (const { key, value } of segments.getRange({ start, end: segmentKey(name, LAST_OFFSET) })) {
      if (lastTimeOf(value) < time) continue;
      for (const publication of decodeSegment(value, name, epoch, offsetOf(Buffer.from(key)))) {
        // What was committed a moment ago may not be known to be.
        if (publication.offset > numbers.top) return;
        if (publication.offset > after && publication.time >= time) yield publication;
      }
    }
  }

  /** The key of the segment that has an offset, or of where it would be. */
  private segmentOf(channel: string, offset: number): Buffer {
    const range = { start: segmentKey(channel, offset), end: segmentKey(channel, 0), reverse: true, limit: 1 };
    for (const key of this.store.segments.getKeys(range)) return Buffer.from(key);
    return segmentKey(channel, offset);
  }
}
