/** Times in milliseconds. */
export interface BackoffOptions {
  /** The longest first wait. Default 500. */
  readonly base: number;
  /** The longest of all. Default 30,000. */
  readonly cap: number;
}

/**
 * How long to wait before an attempt: anything between nothing and a limit that doubles each time, so that clients who
 * were cut off together do not come back together ("full jitter").
 * @param attempt 0 for the first
 * @param random from 0 to 1
 */
export function backoff(attempt: number, { base, cap }: BackoffOptions, random: number): number {
  return random * Math.min(cap, base * 2 ** Math.min(attempt, 30));
}
