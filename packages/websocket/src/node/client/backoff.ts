/** How long to wait between attempts. All times are in milliseconds. */
export interface BackoffOptions {
  /** The first attempt comes after 0 to so many. Each later one may wait twice as long. Default 500. */
  readonly firstDelay?: number;
  /** The longest that such a wait may become. Default 30,000. */
  readonly maxDelay?: number;
  /** A connection that was open for so long counts as a success: waits begin at `firstDelay` again. Default 5,000. */
  readonly stableAfter?: number;
}

export const DEFAULT_BACKOFF: Required<BackoffOptions> = { firstDelay: 500, maxDelay: 30_000, stableAfter: 5_000 };

/** A server that restarts (1012), or has too much to do (1013), is left alone for 5 to 30 seconds. */
const RESTART_LEAST = 5_000;
const RESTART_MOST = 30_000;

const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;

/**
 * When to try again. "Full jitter": any time up to a bound that doubles, so that ten thousand clients which lost the
 * same server do not come back in the same moment.
 */
export class Backoff {
  private readonly options: Required<BackoffOptions>;
  private readonly random: () => number;
  /** Attempts since the last success. */
  failures = 0;

  /** @param random from 0 to below 1; replaced in tests */
  constructor(options: Required<BackoffOptions>, random: () => number = Math.random) {
    this.options = options;
    this.random = random;
  }

  /** A connection is over that was open for so many milliseconds. */
  noteOpenFor(milliseconds: number): void {
    if (milliseconds >= this.options.stableAfter) this.failures = 0;
  }

  /**
   * Milliseconds to wait before the next attempt.
   * @param retryAfter seconds that the server asked for: it comes on top, for it was told to others too
   * @param closeCode with which the server closed
   */
  next(retryAfter: number | undefined, closeCode: number | undefined): number {
    const { firstDelay, maxDelay } = this.options;
    const bound = Math.min(maxDelay, firstDelay * 2 ** this.failures++);
    const jitter = this.random() * bound;
    if (retryAfter !== undefined) return retryAfter * 1000 + jitter;
    if (closeCode === SERVICE_RESTART || closeCode === TRY_AGAIN_LATER) {
      return RESTART_LEAST + this.random() * (RESTART_MOST - RESTART_LEAST);
    }
    return jitter;
  }
}
