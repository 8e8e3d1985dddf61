/**
 * Whether a client that has much to read reads any of it. What is queued for it may grow all the while: between two looks
 * at it, only reading makes it less.
 */
export class ReadingWatch {
  private queuedBytes = 0;
  private hasRead = false;
  private readAt = 0;

  /** @param now in milliseconds, of a clock that never goes back */
  begin(queuedBytes: number, now: number): void {
    this.queuedBytes = queuedBytes;
    this.hasRead = false;
    this.readAt = now;
  }

  /** Something is about to be added. */
  adding(queuedBytes: number): void {
    if (queuedBytes < this.queuedBytes) this.hasRead = true;
    this.queuedBytes = queuedBytes;
  }

  /** It was added. */
  added(queuedBytes: number): void {
    this.queuedBytes = queuedBytes;
  }

  /** @returns for how many milliseconds nothing has been read, counted from the first call that saw nothing more read */
  stuckFor(queuedBytes: number, now: number): number {
    this.adding(queuedBytes);
    if (this.hasRead) this.readAt = now;
    this.hasRead = false;
    return now - this.readAt;
  }
}
