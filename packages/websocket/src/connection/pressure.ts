import type { Deadlines } from './deadlines.ts';
import { UsageError } from './errors.ts';
import type { ConnectionShared } from './shared.ts';

/** Whose output it is. */
export interface PressureOwner {
  readonly shared: ConnectionShared<never>;
  readonly deadlines: Deadlines;
  readonly isClosed: boolean;
  /** Not everything that was sent is written. This turn's output is not looked at. */
  readonly isWaiting: boolean;
  /** Bytes that wait: for the peer to take them, or for their turn. */
  readonly waitingBytes: number;
  /** More than the high-water mark waits. */
  pauseForOutput(): void;
  /** It is written: the application is told, and reading goes on unless it has sent as much again. */
  resumeAfterOutput(): void;
}

const NONE = 0;
/** What was sent waits: for the peer to take it, or, where that is a lot, for its compression. */
const HELD = 1;
/** More than the high-water mark waits: a server reads nothing until it is written. */
const OVER_HIGH_WATER = 2;

/**
 * What waits to be written, how much of it is too much, and who waits for its end. Made when something waits for the
 * first time: most connections never have one.
 */
export class Pressure {
  private readonly owner: PressureOwner;
  private level = NONE;
  private waiters: (() => void)[] | null = null;

  constructor(owner: PressureOwner) {
    this.owner = owner;
  }

  get isHeld(): boolean {
    return this.level !== NONE;
  }

  get isOverHighWater(): boolean {
    return this.level === OVER_HIGH_WATER;
  }

  /** Somebody waits, or output does. */
  get isNoticed(): boolean {
    return this.level !== NONE || this.waiters !== null;
  }

  /** Output waits; comes again whenever there is more. */
  hold(): void {
    const { owner } = this;
    if (this.level === NONE) {
      this.level = HELD;
      owner.deadlines.noteProgress();
    }
    if (this.level === HELD && owner.waitingBytes > owner.shared.sendHighWaterMark) {
      this.level = OVER_HIGH_WATER;
      owner.pauseForOutput();
    }
  }

  /** All of it was written. */
  end(): void {
    const wasOverHighWater = this.isOverHighWater;
    this.level = NONE;
    if (wasOverHighWater) this.owner.resumeAfterOutput();
    // Again: whoever got messages now may have sent as much.
    if (!this.owner.isWaiting) this.wake();
  }

  /** Resolves when everything is written; rejects where the connection closes first, or the signal aborts. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const waiter = (): void => {
        signal?.removeEventListener('abort', onAbort);
        if (this.owner.isClosed) reject(closedError());
        else resolve();
      };
      const onAbort = (): void => {
        this.waiters = this.waiters?.filter((other) => other !== waiter) ?? null;
        reject(signal!.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      (this.waiters ??= []).push(waiter);
    });
  }

  /** Wakes whoever waits: everything is written, or never will be. */
  wake(): void {
    const { waiters } = this;
    this.waiters = null;
    for (const waiter of waiters ?? []) waiter();
  }
}

export function closedError(): UsageError {
  return new UsageError('PB_CONNECTION_CLOSED', 'the connection closed before everything was written');
}
