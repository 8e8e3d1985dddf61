import { bucketOf } from '@pulsebeacon/hub/broker-parts';
import type { Agenda } from './agenda.ts';
import { type ChannelNumbers, type ChannelState, encodeChannel } from './channel-state.ts';
import type { ChannelTable } from './channel-table.ts';
import { LAST_OFFSET, textKey } from './keys.ts';
import { findOnce } from './once-table.ts';
import { encodeNumbers } from './records.ts';
import type { Store, Write } from './store.ts';

/** Duties of one transaction. */
const AT_ONCE = 200;
const LOOK_LATER_MS = 1000;
/** A channel that somebody follows is not forgotten; it is looked at again so much later. */
const FOLLOWED_MS = 60_000;

/** A transaction that removes what has expired. */
export class Sweep {
  readonly writes: Write[] = [];
  /** There may be more to do. */
  readonly isFull: boolean;
  private readonly store: Store;
  private readonly table: ChannelTable;
  private readonly agenda: Agenda;
  private readonly now: number = Date.now();
  private readonly changed: (readonly [ChannelState, ChannelNumbers])[] = [];
  private readonly forgotten: ChannelState[] = [];

  constructor(store: Store, table: ChannelTable, agenda: Agenda, isFollowed: (channel: string) => boolean) {
    this.store = store;
    this.table = table;
    this.agenda = agenda;
    const duties = agenda.due(this.now, AT_ONCE);
    this.isFull = duties.length === AT_ONCE;
    for (const duty of duties) {
      this.writes.push(agenda.done(duty));
      for (const key of duty.once) this.lookAtOnce(key);
      const state = duty.channel === undefined ? undefined : table.find(duty.channel);
      if (state !== undefined) this.lookAtChannel(state, isFollowed(state.name));
    }
  }

  endLease(key: string): void {
    this.writes.push({ table: this.store.held, key: textKey(key), value: undefined });
  }

  /** What was written is committed. */
  apply(): void {
    for (const [state, numbers] of this.changed) Object.assign(state.numbers, numbers);
    for (const state of this.forgotten) this.table.forget(state);
  }

  private lookAtOnce(key: Buffer): void {
    // It may have been taken anew since, and stands in the agenda for that too.
    if (findOnce(this.store, key, this.now) !== undefined) return;
    this.writes.push({ table: this.store.once, key, value: undefined });
  }

  private lookAtChannel(state: ChannelState, isFollowed: boolean): void {
    this.table.settle(state, this.now);
    const numbers = { ...state.numbers };
    if (numbers.removed < numbers.dropped) {
      const { writes, removed } = this.table.removals(state.name, numbers);
      this.writes.push(...writes);
      numbers.removed = removed;
    }
    const isEmpty = numbers.dropped === numbers.top;
    if (isEmpty && numbers.removed === numbers.top && !isFollowed) {
      this.forget(state);
      return;
    }
    const next = isEmpty ? this.now + FOLLOWED_MS : this.table.oldestTimeOf(state) + numbers.retention.ageMs;
    const isBehind = isEmpty && numbers.removed < numbers.top;
    numbers.due = isBehind ? this.now : Math.min(LAST_OFFSET, Math.max(this.now, next) + LOOK_LATER_MS);
    this.writes.push(this.agenda.channel(state.name, numbers.due), {
      table: this.store.channels,
      key: Buffer.from(state.name),
      value: encodeChannel(numbers),
    });
    this.changed.push([state, numbers]);
  }

  private forget(state: ChannelState): void {
    const { name, numbers } = state;
    const bucket = Buffer.alloc(2);
    bucket.writeUInt16BE(bucketOf(name));
    // Several of one bucket may be forgotten at once: the floor is the highest.
    const floor = Math.max(numbers.top, this.table.floors.of(name), ...this.topsIn(bucketOf(name)));
    this.forgotten.push(state);
    this.writes.push(
      { table: this.store.channels, key: Buffer.from(name), value: undefined },
      { table: this.store.floors, key: bucket, value: encodeNumbers([floor]) },
    );
  }

  private topsIn(bucket: number): number[] {
    return this.forgotten.filter(({ name }) => bucketOf(name) === bucket).map(({ numbers }) => numbers.top);
  }
}
