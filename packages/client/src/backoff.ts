/** Times in milliseconds. */
export interface BackoffOptions {
  /** The longest first wait. Default 500. */
  readonly base: number;
  /** The longest of all. Default 30,000. */
  readonly cap: number;
}

/** Eleven days. Above twice as much a timer would go off at once. */
const LONGEST_MS = 1e9;

/**
 * How long to wait before an attempt: anything between nothing and a limit that doubles each time, so that clients who
 * were cut off together do not come back together ("full jitter"). Where the server has said how long, a little more than
 * that, for the same reason, and so that nobody comes again and again without a wait, whatever it says.
 * @param attempt 0 for the first
 * @param random from 0 to 1
 * @param retryAfter as the server said it, if it did
 */
export function backoff(
  attempt: number,
  { base, cap }: BackoffOptions,
  random: number,
  retryAfter?: number | undefined,
): number {
  const jitter = random * Math.min(cap, base * 2 ** Math.min(attempt, 30));
  if (retryAfter === undefined) return jitter;
  return Math.min((retryAfter > 0 ? retryAfter : 0) + Math.min(jitter, base), LONGEST_MS);
}
