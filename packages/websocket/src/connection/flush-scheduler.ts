/** So many large items are flushed together. */
const LARGE_TOGETHER = 4;

/** What has something to write at the end of this turn. */
export interface Flushable {
  flush(): void;
}

/**
 * Collects whoever sends outside of its own read, and lets all of them write once, after everything that can be read
 * in this turn of the event loop has been read.
 */
export class FlushScheduler {
  private dirty: Flushable[] = [];
  private spare: Flushable[] = [];
  private afterwards: (() => void)[] = [];
  private scheduled = false;
  private isFlushing = false;
  /** How often something that waits was told to be large. */
  private large = 0;
  private readonly run = (): void => this.flushAll();

  add(item: Flushable): void {
    this.dirty.push(item);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.run);
    }
  }

  /**
   * Tells that something that was added has much to write. It waits only for a few others like it: a peer that is woken
   * for the first of them need not be woken for the next, but with more, both ends would but wait for each other in turn.
   */
  noteLarge(): void {
    if (++this.large >= LARGE_TOGETHER && !this.isFlushing) this.flushItems();
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
      for (const callback of callbacks) callback();
    }
  }

  private flushItems(): void {
    const items = this.dirty;
    this.dirty = this.spare;
    this.large = 0;
    this.isFlushing = true;
    for (let i = 0; i < items.length; i++) items[i]!.flush();
    this.isFlushing = false;
    items.length = 0;
    this.spare = items;
  }
}
