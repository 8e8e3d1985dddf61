import { TokenBucket } from '@pulsebeacon/hub';

const MOST_ADDRESSES = 10_000;

/** A rate that each IP address has for itself. */
export class AddressRate {
  private readonly rate: number;
  private readonly burst: number;
  private readonly buckets = new Map<string, TokenBucket>();

  /**
   * @param rate in a second; Infinity for any number
   * @param burst how many may come at once
   */
  constructor(rate: number, burst: number) {
    this.rate = rate;
    this.burst = burst;
  }

  /** @returns whether one more may come from this address now */
  take(address: string | undefined, now: number = performance.now()): boolean {
    if (this.rate === Infinity) return true;
    const key = address ?? '';
    let bucket = this.buckets.get(key);
    if (bucket === undefined) {
      // The oldest go: they have been full for long, or there are too many addresses to keep out anyway.
      if (this.buckets.size >= MOST_ADDRESSES) this.buckets.delete(this.buckets.keys().next().value!);
      bucket = new TokenBucket(this.rate, this.burst, now);
      this.buckets.set(key, bucket);
    }
    return bucket.take(now);
  }
}
