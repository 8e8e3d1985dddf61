import { setTimeout as wait } from 'node:timers/promises';
import { Backoff, DEFAULT_BACKOFF } from '@pulsebeacon/websocket';
import type { RemoteFailure } from './remote-failure.ts';

/** How long to go on trying, and how long to wait between two attempts: with full jitter, or as the server asks. */
export class Retries {
  private readonly backoff: Backoff;
  private readonly budget: number;
  private failingSince: number | undefined;
  private openSince: number | undefined;

  /** @param budget milliseconds after the first failure in a row; Infinity for no end @param random for tests */
  constructor(budget: number, random?: () => number) {
    this.budget = budget;
    this.backoff = new Backoff(DEFAULT_BACKOFF, random);
  }

  /** It works, for the time being. */
  opened(): void {
    this.failingSince = undefined;
    this.openSince ??= performance.now();
  }

  /** It does not work, or no longer. @returns milliseconds to wait before the next attempt; undefined: give up */
  next({ retry, retryAfter }: RemoteFailure): number | undefined {
    const now = performance.now();
    if (this.openSince !== undefined) this.backoff.noteOpenFor(now - this.openSince);
    this.openSince = undefined;
    this.failingSince ??= now;
    if (!retry) return undefined;
    const delay = this.backoff.next(retryAfter === undefined ? undefined : retryAfter / 1000, undefined);
    return now + delay - this.failingSince > this.budget ? undefined : delay;
  }
}

/** @throws the reason of the signal */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal });
}
