import type { Publication } from '@pulsebeacon/wire';
import { storedSize } from '../stored-size.ts';
import type { LogBudget } from './log-budget.ts';

const COMPACT_FROM = 32;

/** The newest publications of a channel, in order, and what is known of those that are not here any more. */
export class ChannelLog {
  readonly channel: string;
  /** The offset of the newest publication, kept or not. */
  top: number;
  /** No publication above this offset is missing here. */
  dropped: number;
  private readonly budget: LogBudget;
  private entries: (Publication | undefined)[] = [];
  /** Where the oldest stands: taking it away moves nothing. */
  private head = 0;

  /** @param floor an offset which the channel may have reached before */
  constructor(channel: string, budget: LogBudget, floor: number) {
    this.channel = channel;
    this.budget = budget;
    this.top = floor;
    this.dropped = floor;
  }

  get length(): number {
    return this.entries.length - this.head;
  }

  at(index: number): Publication {
    return this.entries[this.head + index]!;
  }

  slice(from: number, to: number): Publication[] {
    const publications: Publication[] = [];
    for (let i = from; i < to; i++) publications.push(this.at(i));
    return publications;
  }

  push(publication: Publication): void {
    this.top = publication.offset;
    this.entries.push(publication);
    this.budget.add(this, publication.offset, storedSize(publication));
  }

  /** Whether an offset that was here still is. */
  has(offset: number): boolean {
    return offset > this.dropped && this.length > 0;
  }

  shift(): void {
    const publication = this.at(0);
    this.dropped = publication.offset;
    this.budget.remove(storedSize(publication));
    this.entries[this.head++] = undefined;
    // The array itself becomes shorter when half of it is empty.
    if (this.head < this.entries.length && (this.head < COMPACT_FROM || this.head * 2 < this.entries.length)) return;
    this.entries = this.entries.slice(this.head);
    this.head = 0;
  }

  /** @param oldest milliseconds since 1970 */
  trim(size: number, oldest: number): void {
    while (this.length > size) this.shift();
    while (this.length > 0 && this.at(0).time < oldest) this.shift();
  }

  /** Whether everything after this offset is here: it was reached, and nothing after it has gone. */
  reaches(offset: number): boolean {
    return offset >= this.dropped && offset <= this.top;
  }

  indexAfter(offset: number): number {
    return this.search((publication) => publication.offset > offset);
  }

  indexFrom(time: number): number {
    return this.search((publication) => publication.time >= time);
  }

  /** The first of which `matches` is true, where it is true of all that follow. */
  private search(matches: (publication: Publication) => boolean): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (matches(this.at(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
