import os from 'node:os';
import v8 from 'node:v8';
import type { ChannelLog } from './channel-log.ts';

const COMPACT_FROM = 1024;

/**
 * A quarter of the memory that this process may have (of the machine, or of its container), but no more than half of
 * what V8 takes for its heap, where texts are.
 */
export function quarterOfMemory(): number {
  // Without a limit the constraint is 0, or more than there is.
  const constraint = process.constrainedMemory() || os.totalmem();
  return Math.floor(Math.min(constraint / 4, os.totalmem() / 4, v8.getHeapStatistics().heap_size_limit / 2));
}

/**
 * What all logs together may keep. Beyond it the oldest goes, of whichever channel it is. The order in which publications
 * came is kept in two arrays, and not in links between them, which the garbage collector would have to follow. What a
 * log has let go of itself stays there until half of it is such.
 */
export class LogBudget {
  private readonly maxBytes: number;
  private readonly onEmpty: (channel: string) => void;
  private bytes = 0;
  private logs: ChannelLog[] = [];
  private offsets: number[] = [];
  private head = 0;
  private compactAt = COMPACT_FROM;

  /** @param onEmpty is told of a channel that has lost its last publication to the limit */
  constructor(maxBytes: number, onEmpty: (channel: string) => void) {
    this.maxBytes = maxBytes;
    this.onEmpty = onEmpty;
  }

  add(log: ChannelLog, offset: number, bytes: number): void {
    if (this.logs.length >= this.compactAt) this.compact();
    this.logs.push(log);
    this.offsets.push(offset);
    this.bytes += bytes;
    this.keepTo();
  }

  /** Something else takes memory until it is removed. */
  hold(bytes: number): void {
    this.bytes += bytes;
    this.keepTo();
  }

  remove(bytes: number): void {
    this.bytes -= bytes;
  }

  private keepTo(): void {
    while (this.bytes > this.maxBytes && this.head < this.logs.length) this.dropOldest();
  }

  private dropOldest(): void {
    const log = this.logs[this.head]!;
    const offset = this.offsets[this.head++]!;
    if (!log.has(offset)) return;
    log.shift();
    if (log.length === 0) this.onEmpty(log.channel);
  }

  private compact(): void {
    let to = 0;
    for (let from = this.head; from < this.logs.length; from++) {
      const log = this.logs[from]!;
      const offset = this.offsets[from]!;
      if (!log.has(offset)) continue;
      this.logs[to] = log;
      this.offsets[to++] = offset;
    }
    this.logs.length = to;
    this.offsets.length = to;
    this.head = 0;
    this.compactAt = Math.max(COMPACT_FROM, 2 * to);
  }
}
