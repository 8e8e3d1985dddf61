/**
 * The time of day, which never goes back and never stands still: where the clock of the machine is set back, it goes on
 * from where it was, so that what expires still does.
 */
export class SteadyClock {
  private last = 0;
  private at = 0;

  /** @returns milliseconds since 1970, whole ones */
  now(): number {
    const at = performance.now();
    this.last = Math.max(Date.now(), this.last + at - this.at);
    this.at = at;
    return Math.floor(this.last);
  }
}
