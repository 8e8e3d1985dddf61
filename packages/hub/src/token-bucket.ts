/** A rate with a burst: tokens come in steadily, up to as many as the bucket holds. */
export class TokenBucket {
  private readonly perMillisecond: number;
  private readonly capacity: number;
  private tokens: number;
  private at: number;

  /**
   * @param rate tokens a second
   * @param burst how many may be taken at once
   * @param now in milliseconds, of a clock that never goes back
   */
  constructor(rate: number, burst: number, now: number) {
    this.perMillisecond = rate / 1000;
    this.capacity = burst;
    this.tokens = burst;
    this.at = now;
  }

  /** Takes a token. @returns whether there was one */
  take(now: number): boolean {
    this.tokens = Math.min(this.capacity, this.tokens + (now - this.at) * this.perMillisecond);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}
