import type { MessageData } from './connection.ts';

/** What a puller drives. */
export interface PullSource {
  /** Read on: the consumer wants the next message. */
  wantMessage(): void;
  /** The consumer wants no more. */
  stopPulling(): void;
}

type Result = IteratorResult<MessageData, undefined>;

/**
 * Messages for `for await`: one is held ready at most, unless the connection closes. While nobody has asked for the next
 * one, the connection reads nothing, and the peer feels it.
 */
export class MessagePuller implements AsyncIterableIterator<MessageData> {
  private readonly source: PullSource;
  private ready: MessageData[] = [];
  private waiting: { resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  private ended = false;
  private failure: unknown;

  constructor(source: PullSource) {
    this.source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    const value = this.ready.shift();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.failure !== undefined) {
      const error = this.failure;
      this.failure = undefined;
      return Promise.reject(error as Error);
    }
    if (this.ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.source.wantMessage();
    });
  }

  return(): Promise<Result> {
    this.ready = [];
    this.failure = undefined;
    if (!this.ended) {
      this.end(undefined);
      this.source.stopPulling();
    }
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Characters and bytes that are ready and were not asked for. */
  get readySize(): number {
    return this.ready.reduce((sum, message) => sum + message.length, 0);
  }

  /** A message has come. @returns whether to read on */
  push(message: MessageData): boolean {
    // The consumer has left: what comes until the peer's close frame is for nobody.
    if (this.ended) return true;
    const consumer = this.waiting.shift();
    if (consumer === undefined) this.ready.push(message);
    else consumer.resolve({ value: message, done: false });
    return this.waiting.length > 0;
  }

  /** No more messages will come; `error` where the connection failed. */
  end(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    const [first, ...others] = this.waiting;
    this.waiting = [];
    if (error !== undefined) {
      if (first === undefined) this.failure = error;
      else first.reject(error);
    } else first?.resolve({ value: undefined, done: true });
    for (const consumer of others) consumer.resolve({ value: undefined, done: true });
  }
}
