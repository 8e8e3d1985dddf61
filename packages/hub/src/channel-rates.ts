import { TokenBucket } from './token-bucket.ts';

const MOST_CHANNELS = 10_000;

/** The rate at which a channel may be published in; kept while it is in use. */
export class ChannelRates {
  private readonly buckets = new Map<string, TokenBucket>();

  /** @returns whether one more publication may come now */
  take(channel: string, rate: number): boolean {
    if (rate === Infinity) return true;
    const now = performance.now();
    const bucket = this.buckets.get(channel) ?? new TokenBucket(rate, Math.max(1, rate), now);
    // To the end: of too many, those that were not used for longest go, which are full again, or nearly.
    this.buckets.delete(channel);
    this.buckets.set(channel, bucket);
    if (this.buckets.size > MOST_CHANNELS) this.buckets.delete(this.buckets.keys().next().value!);
    return bucket.take(now);
  }
}
