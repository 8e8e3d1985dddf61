import type { NewPublication, PublishOptions, Receipt } from '@pulsebeacon/hub';
import type { Publication } from '@pulsebeacon/wire';
import type { Agenda } from './agenda.ts';
import { type ChannelNumbers, type ChannelState, encodeChannel } from './channel-state.ts';
import type { ChannelTable } from './channel-table.ts';
import { LAST_OFFSET, segmentKey, textKey } from './keys.ts';
import { claimKey, encodeOnce, findOnce, type OnceEntry, receiptKey } from './once-table.ts';
import { encodeSegment } from './records.ts';
import type { Store, Write } from './store.ts';

/** A segment is ended when its payloads have so many bytes: who reads one of them reads all. */
const SEGMENT_BYTES = 32 * 1024;
const SEGMENT_LENGTH = 256;
/** Dropped publications stay on disk until there are so many of them, or a quarter of what is kept. */
const REMOVE_FROM = 64;
/** A channel is looked after so long after its oldest expires, so that there is something to do. */
const LOOK_LATER_MS = 1000;

/** A channel within a transaction. */
interface Draft {
  readonly state: ChannelState;
  readonly numbers: ChannelNumbers;
  readonly publications: Publication[];
}

/** A publication that waits for its commit. */
export interface Published {
  readonly state: ChannelState;
  readonly publication: Publication;
}

/** What goes into one transaction. Nothing outside changes before it is committed. */
export class Group {
  readonly now: number;
  readonly writes: Write[] = [];
  private readonly store: Store;
  private readonly table: ChannelTable;
  private readonly agenda: Agenda;
  private readonly drafts = new Map<string, Draft>();
  private readonly taken = new Map<string, OnceEntry>();

  constructor(store: Store, table: ChannelTable, agenda: Agenda) {
    this.now = Date.now();
    this.store = store;
    this.table = table;
    this.agenda = agenda;
  }

  /** @returns what is published, or the receipt of its twin */
  publish(channel: string, from: NewPublication, options: PublishOptions): Published | Receipt {
    const { idempotencyKey, idempotencyMs, retention } = options;
    const key = idempotencyKey === undefined ? undefined : receiptKey(channel, idempotencyKey);
    if (key !== undefined) {
      const first = this.find(key);
      if (first !== undefined) {
        return { epoch: this.store.epoch, offset: first.offset, time: first.time, duplicate: true };
      }
    }
    const { state, numbers, publications } = this.draftOf(channel);
    numbers.time = Math.max(numbers.time, this.now);
    numbers.retention = retention;
    const offset = ++numbers.top;
    const { time } = numbers;
    const { kind, contentType, data, publisher } = from;
    const { epoch } = this.store;
    const publication = { channel, epoch, offset, time, kind, contentType, data, key: from.key, publisher };
    publications.push(publication);
    if (key !== undefined) this.taken.set(key, { expires: this.now + idempotencyMs, offset, time });
    return { state, publication };
  }

  claim(name: string, ttlMs: number): boolean {
    const key = claimKey(name);
    if (this.find(key) !== undefined) return false;
    this.taken.set(key, { expires: this.now + ttlMs, offset: 0, time: 0 });
    return true;
  }

  lease(key: string, value: string, expires: number): void {
    this.writes.push({
      table: this.store.held,
      key: textKey(key),
      value: Buffer.from(JSON.stringify([key, value, expires])),
    });
  }

  release(key: string): void {
    this.writes.push({ table: this.store.held, key: textKey(key), value: undefined });
  }

  /** Puts together what is to be written. */
  seal(): readonly Write[] {
    for (const draft of this.drafts.values()) this.sealChannel(draft);
    const taken: { readonly key: Buffer; readonly expires: number }[] = [];
    for (const [text, entry] of this.taken) {
      const key = textKey(text);
      this.writes.push({ table: this.store.once, key, value: encodeOnce(entry) });
      taken.push({ key, expires: entry.expires });
    }
    this.writes.push(...this.agenda.once(taken));
    return this.writes;
  }

  /** What was written is committed. Each publication moves the top of its channel when sinks are told of it. */
  apply(): void {
    for (const { state, numbers } of this.drafts.values()) {
      const { top, dropped } = state.numbers;
      Object.assign(state.numbers, numbers, { top, dropped });
      this.table.add(state);
    }
  }

  /** Everybody has been told: what is beyond the retention is let go. */
  settle(): void {
    for (const { state } of this.drafts.values()) this.table.settle(state, this.now);
  }

  private find(text: string): OnceEntry | undefined {
    return this.taken.get(text) ?? findOnce(this.store, textKey(text), this.now);
  }

  private draftOf(channel: string): Draft {
    let draft = this.drafts.get(channel);
    if (draft === undefined) {
      const state = this.table.find(channel) ?? this.table.create(channel);
      draft = { state, numbers: { ...state.numbers }, publications: [] };
      this.drafts.set(channel, draft);
    }
    return draft;
  }

  private sealChannel({ state, numbers, publications }: Draft): void {
    const { name } = state;
    const { size, ageMs } = numbers.retention;
    numbers.dropped = Math.max(numbers.dropped, numbers.top - size);
    for (const segment of segmentsOf(publications.filter(({ offset }) => offset > numbers.dropped))) {
      const key = segmentKey(name, segment[0]!.offset);
      this.writes.push({ table: this.store.segments, key, value: encodeSegment(segment) });
    }
    if (numbers.dropped - numbers.removed >= Math.max(REMOVE_FROM, size / 4)) {
      const { writes, removed } = this.table.removals(name, numbers);
      this.writes.push(...writes);
      numbers.removed = removed;
    }
    if (numbers.due === 0) {
      numbers.due = Math.min(LAST_OFFSET, numbers.time + ageMs + LOOK_LATER_MS);
      this.writes.push(this.agenda.channel(name, numbers.due));
    }
    this.writes.push({ table: this.store.channels, key: Buffer.from(name), value: encodeChannel(numbers) });
  }
}

function segmentsOf(publications: readonly Publication[]): Publication[][] {
  const segments: Publication[][] = [];
  let bytes = SEGMENT_BYTES;
  for (const publication of publications) {
    if (bytes >= SEGMENT_BYTES || segments.at(-1)!.length >= SEGMENT_LENGTH) {
      segments.push([]);
      bytes = 0;
    }
    segments.at(-1)!.push(publication);
    bytes += publication.data.length;
  }
  return segments;
}
