import { MAX_BATCH } from './batch-pool.ts';
import { throwUncaught } from './handler-calls.ts';

/** Batches of so many bytes, those that are not small, wait for one another: four of the largest size. */
const MOST_WAITING = 4 * MAX_BATCH;

/**
 * Lists up to this length are kept for the next turn, for to empty an array, and have it grow again, is slow. More would
 * keep memory for good after one great broadcast.
 */
const KEPT_ITEMS = 4096;

/** What has something to write at the end of this turn. */
export interface Flushable {
  flush(): void;
}

/** Where an item was: what a connection once used is not kept by a list. */
const NOTHING: Flushable = { flush() {} };

/**
 * Collects whoever sends outside of its own read, and lets all of them write once, after everything that can be read
 * in this turn of the event loop has been read.
 */
export class FlushScheduler {
  private dirty: Flushable[] = [];
  /** How many of them there are; behind them the list is what is left of an earlier turn. */
  private count = 0;
  private spare: Flushable[] = [];
  private afterwards: (() => void)[] = [];
  private scheduled = false;
  private isFlushing = false;
  /** Bytes of the batches that wait, but for small ones. */
  private waitingBytes = 0;
  private readonly run = (): void => this.flushAll();

  add(item: Flushable): void {
    this.dirty[this.count++] = item;
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.run);
    }
  }

  /**
   * Tells that something that was added holds a batch that is not small. It waits only for some others like it: a peer that is
   * woken for the first of them need not be woken for the next, but with more, both ends would but wait for each other in
   * turn, and memory would be cold before it is written.
   */
  noteWaiting(bytes: number): void {
    this.waitingBytes += bytes;
    if (this.waitingBytes >= MOST_WAITING && !this.isFlushing) this.flushItems();
  }

  /** Calls `callback` once, when everything that was added in this turn has been flushed. */
  afterFlush(callback: () => void): void {
    this.afterwards.push(callback);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.run);
    }
  }

  private flushAll(): void {
    this.scheduled = false;
    this.flushItems();
    if (this.afterwards.length > 0) {
      const callbacks = this.afterwards;
      this.afterwards = [];
      for (const callback of callbacks) takeTurn(callback);
    }
  }

  private flushItems(): void {
    const items = this.dirty;
    const { count } = this;
    this.dirty = this.spare;
    this.count = 0;
    this.waitingBytes = 0;
    this.isFlushing = true;
    for (let i = 0; i < count; i++) {
      const item = items[i]!;
      items[i] = NOTHING;
      takeTurn(item.flush, item);
    }
    this.isFlushing = false;
    if (items.length > KEPT_ITEMS) items.length = 0;
    this.spare = items;
  }
}

/** What throws takes no turn from the others. */
function takeTurn(call: () => void, owner?: Flushable): void {
  try {
    call.call(owner);
  } catch (error) {
    throwUncaught(error);
  }
}
