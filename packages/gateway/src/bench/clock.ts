/** Time as the load sees it; another one in tests. All times are in milliseconds from the same beginning. */
export interface Clock {
  now(): number;

  /**
   * Calls back once, at `at` or later, never during this call.
   * @param isPrecise as near to `at` as can be, whatever it costs
   * @returns takes it back
   */
  wake(at: number, callback: () => void, isPrecise?: boolean): () => void;
}

/** Node's timers are a millisecond coarse, and late by up to another. */
const COARSE_MS = 2;

/** Waits in timers while there is time, and then by turning the event loop, which does see to the network meanwhile. */
class PreciseWake {
  private readonly at: number;
  private readonly callback: () => void;
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;

  constructor(at: number, callback: () => void) {
    this.at = at;
    this.callback = callback;
    this.wait();
  }

  cancel(): void {
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
  }

  private wait(): void {
    const left = this.at - performance.now();
    if (left > COARSE_MS) this.timer = setTimeout(() => this.wait(), left - COARSE_MS);
    else this.immediate = setImmediate(() => this.look());
  }

  private look(): void {
    if (performance.now() >= this.at) this.callback();
    else this.wait();
  }
}

export const systemClock: Clock = {
  now: () => performance.now(),

  wake(at, callback, isPrecise = false) {
    if (isPrecise) {
      const wake = new PreciseWake(at, callback);
      return () => wake.cancel();
    }
    const timer = setTimeout(callback, Math.max(0, Math.ceil(at - performance.now())));
    return () => clearTimeout(timer);
  },
};
