/** What a puller drives. */
export interface PullSource {
  /** Read on: the consumer wants the next item. */
  wantItem(): void;
  /** The consumer wants no more. */
  stopPulling(): void;
}

/** What an item costs beside its bytes: without it, empty ones could be held without end. */
const ITEM_OVERHEAD = 16;

/**
 * Messages, or parts of one, for `for await`: one is held ready at most, unless the connection closes. While nobody has
 * asked for the next one, the connection reads nothing, and the peer feels it.
 */
export class Puller<T> implements AsyncIterableIterator<T, undefined> {
  private readonly source: PullSource;
  private readonly sizeOf: (item: T) => number;
  private ready: T[] = [];
  private waiting: {
    resolve: (result: IteratorResult<T, undefined>) => void;
    reject: (error: unknown) => void;
  }[] = [];
  /** Bytes, or characters, that are ready and were not asked for. */
  readySize = 0;
  /** No more items will come. */
  isEnded = false;
  /** Why, where that is no clean end; until somebody was told. */
  failure: unknown;
  /** Called when no more items will come. */
  onEnd: (() => void) | undefined;

  /** @param sizeOf bytes or characters of an item */
  constructor(source: PullSource, sizeOf: (item: T) => number) {
    this.source = source;
    this.sizeOf = sizeOf;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.hasReady) {
      const value = this.ready.shift()!;
      this.readySize -= this.sizeOf(value) + ITEM_OVERHEAD;
      return Promise.resolve({ value, done: false });
    }
    if (this.failure !== undefined) {
      const error = this.failure;
      this.failure = undefined;
      return Promise.reject(error as Error);
    }
    if (this.isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.source.wantItem();
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    const wasEnded = this.isEnded;
    this.abandon(undefined);
    if (!wasEnded) this.source.stopPulling();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Somebody has asked, and has nothing yet. */
  get hasWaiting(): boolean {
    return this.waiting.length > 0;
  }

  /** Something is there for the next who asks. */
  get hasReady(): boolean {
    return this.ready.length > 0;
  }

  /** Everything was handed out, the failure too. */
  get isOver(): boolean {
    return this.isEnded && !this.hasReady && this.failure === undefined;
  }

  /** An item has come. @returns whether to read on */
  push(item: T): boolean {
    // The consumer has left: what comes until the peer's close frame is for nobody.
    if (this.isEnded) return true;
    const consumer = this.waiting.shift();
    if (consumer === undefined) {
      this.ready.push(item);
      this.readySize += this.sizeOf(item) + ITEM_OVERHEAD;
    } else {
      consumer.resolve({ value: item, done: false });
    }
    return this.waiting.length > 0;
  }

  /** No more items will come; `failure` where that is no clean end. What is ready can still be had. */
  end(failure: unknown): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const [first, ...others] = this.waiting;
    this.waiting = [];
    if (failure !== undefined) {
      if (first === undefined) this.failure = failure;
      else first.reject(failure);
    } else first?.resolve({ value: undefined, done: true });
    for (const consumer of others) consumer.resolve({ value: undefined, done: true });
    this.onEnd?.();
  }

  /** As {@link end}, and what is ready is dropped. Without effect where everything was handed out. */
  abandon(failure: unknown): void {
    if (this.isOver) return;
    this.ready = [];
    this.readySize = 0;
    if (this.isEnded) this.failure = failure;
    else this.end(failure);
  }
}
