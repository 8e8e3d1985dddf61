/**
 * When messages should be sent, at a steady rate. It goes by the clock alone: a server that is slow to answer does not
 * put off what is due. Latency is measured from these times, so that whatever had to wait counts its wait
 * ("coordinated omission" is to leave that out).
 */
export class Schedule {
  private readonly start: number;
  private readonly gap: number;
  private end: number;
  private taken = 0;

  /**
   * @param rate messages a second, above 0
   * @param start when the first is due, in milliseconds
   * @param end from here on nothing is due
   */
  constructor(rate: number, start: number, end: number) {
    this.gap = 1000 / rate;
    this.start = start;
    this.end = end;
  }

  /** When the next message is due; Infinity after the last. */
  get nextDue(): number {
    // From the beginning, and not from the one before: small errors would add up.
    const due = this.start + this.taken * this.gap;
    return due < this.end ? due : Infinity;
  }

  /** How many are due by `now` and not taken. */
  waiting(now: number): number {
    const last = Math.min(now, this.end);
    if (last < this.start) return 0;
    let due = Math.floor((last - this.start) / this.gap) + 1;
    // What would be due at the very end is not.
    while (due > 0 && this.start + (due - 1) * this.gap >= this.end) due--;
    return Math.max(0, due - this.taken);
  }

  /** From `end` on nothing is due any more. */
  endAt(end: number): void {
    this.end = Math.min(this.end, end);
  }

  /** The next message is sent. @returns when it was due */
  take(): number {
    const due = this.nextDue;
    this.taken++;
    return due;
  }
}
