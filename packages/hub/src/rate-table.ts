import { TokenBucket } from './token-bucket.ts';

/** Of more keys than this, those that were used longest ago go: their buckets are full again, or nearly. */
const MOST_KEYS = 10_000;

/** A rate for each of many: channels, sessions, addresses. */
export class RateTable {
  private readonly buckets = new Map<string, TokenBucket>();

  /**
   * Takes a token of a key. Its rate and burst are those of its first token; they are forgotten with it.
   * @param rate tokens a second; Infinity for any number
   * @param burst how many may be taken at once
   * @param at in milliseconds, of a clock that never goes back; default: `performance.now()`
   * @returns whether there was one
   */
  take(key: string, rate: number, burst: number, at?: number): boolean {
    if (rate === Infinity) return true;
    const now = at ?? performance.now();
    const bucket = this.buckets.get(key) ?? new TokenBucket(rate, burst, now);
    // To the end: the order of the map is that of the last use.
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > MOST_KEYS) this.buckets.delete(this.buckets.keys().next().value!);
    return bucket.take(now);
  }
}
