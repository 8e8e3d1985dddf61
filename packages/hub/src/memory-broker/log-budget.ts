import os from 'node:os';
import v8 from 'node:v8';
import type { LogEntry } from './channel-log.ts';

/**
 * A quarter of the memory that this process may have (of the machine, or of its container), but no more than half of
 * what V8 takes for its heap, where texts are.
 */
export function quarterOfMemory(): number {
  // Without a limit the constraint is 0, or more than there is.
  const constraint = process.constrainedMemory() || os.totalmem();
  return Math.floor(Math.min(constraint / 4, os.totalmem() / 4, v8.getHeapStatistics().heap_size_limit / 2));
}

/** All that is kept, in the order in which it came. Beyond the limit the oldest goes, of whichever channel it is. */
export class LogBudget {
  private readonly maxBytes: number;
  private readonly onEmpty: (channel: string) => void;
  private bytes = 0;
  private oldest: LogEntry | undefined;
  private newest: LogEntry | undefined;

  /** @param onEmpty is told of a channel that has lost its last publication to the limit */
  constructor(maxBytes: number, onEmpty: (channel: string) => void) {
    this.maxBytes = maxBytes;
    this.onEmpty = onEmpty;
  }

  add(entry: LogEntry): void {
    entry.older = this.newest;
    if (this.newest === undefined) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
    this.bytes += entry.bytes;
    while (this.bytes > this.maxBytes) this.dropOldest();
  }

  remove(entry: LogEntry): void {
    if (entry.older === undefined) this.oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.newest = entry.older;
    else entry.newer.older = entry.older;
    this.bytes -= entry.bytes;
  }

  private dropOldest(): void {
    // Entries of one log stand in the row in the order of the log: the oldest of all is the oldest of its own.
    const { log } = this.oldest!;
    log.shift();
    if (log.length === 0) this.onEmpty(log.channel);
  }
}
