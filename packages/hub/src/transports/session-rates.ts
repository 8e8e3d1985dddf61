import { TokenBucket } from '../token-bucket.ts';

/** Buckets of so many sessions are kept; those that were used longest ago go first. */
const MAX_SESSIONS = 10_000;

/** The rate of commands of clients who come with a request for each: what a connection would count is counted by session. */
export class SessionRates {
  private readonly buckets = new Map<string, TokenBucket>();
  private readonly rate: number;
  private readonly burst: number;

  constructor(rate: number, burst: number) {
    this.rate = rate;
    this.burst = burst;
  }

  /** @returns whether one more command of the client may come now */
  take(client: string): boolean {
    if (this.rate === Infinity) return true;
    const now = performance.now();
    let bucket = this.buckets.get(client);
    // To the end: the order of the map is that of the last use.
    if (bucket === undefined) bucket = new TokenBucket(this.rate, this.burst, now);
    else this.buckets.delete(client);
    this.buckets.set(client, bucket);
    if (this.buckets.size > MAX_SESSIONS) this.buckets.delete(this.buckets.keys().next().value!);
    return bucket.take(now);
  }
}
