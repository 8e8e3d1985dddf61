import { BeaconError } from './errors.ts';
import type { Publication } from './payload.ts';

const MOST = 10_000;

interface Reader<T> {
  readonly resolve: (result: IteratorResult<Publication<T>, undefined>) => void;
  readonly reject: (error: BeaconError) => void;
}

/** Publications that wait for a `for await` loop. */
export class PublicationQueue<T> implements AsyncIterableIterator<Publication<T>> {
  private publications: Publication<T>[] = [];
  private at = 0;
  private readers: Reader<T>[] = [];
  private error: BeaconError | undefined;
  private isOver = false;
  private readonly onLeft: () => void;

  /** @param onLeft nothing more is to come */
  constructor(onLeft: () => void) {
    this.onLeft = onLeft;
  }

  push(publication: Publication<T>): void {
    if (this.isOver) return;
    const reader = this.readers.shift();
    if (reader !== undefined) reader.resolve({ done: false, value: publication });
    else if (this.publications.length - this.at < MOST) this.publications.push(publication);
    else this.fail(new BeaconError('PB_ITERATOR_FULL', `${MOST} publications wait for the loop, which is too slow for them`));
  }

  /** What waits is still had; then the loop throws. */
  fail(error: BeaconError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error;
    for (const { reject } of this.readers.splice(0)) {
      reject(error);
      this.error = undefined;
    }
    this.onLeft();
  }

  next(): Promise<IteratorResult<Publication<T>, undefined>> {
    if (this.at < this.publications.length) {
      const value = this.publications[this.at++]!;
      if (this.at === this.publications.length) {
        this.publications = [];
        this.at = 0;
      }
      return Promise.resolve({ done: false, value });
    }
    const { error } = this;
    this.error = undefined;
    if (error !== undefined) return Promise.reject(error);
    if (this.isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.readers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Publication<T>, undefined>> {
    this.publications = [];
    this.at = 0;
    this.error = undefined;
    if (!this.isOver) {
      this.isOver = true;
      for (const { resolve } of this.readers.splice(0)) resolve({ done: true, value: undefined });
      this.onLeft();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
