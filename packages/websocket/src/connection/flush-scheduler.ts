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
  private readonly run = (): void => this.flushAll();

  add(item: Flushable): void {
    this.dirty.push(item);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.run);
    }
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
    const items = this.dirty;
    this.dirty = this.spare;
    for (let i = 0; i < items.length; i++) items[i]!.flush();
    items.length = 0;
    this.spare = items;
    if (this.afterwards.length > 0) {
      const callbacks = this.afterwards;
      this.afterwards = [];
      for (const callback of callbacks) callback();
    }
  }
}
