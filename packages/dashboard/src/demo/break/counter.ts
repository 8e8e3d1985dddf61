/** What became of numbers that were published one after the other. */
export class Counter {
  received = 0;
  doubled = 0;
  disordered = 0;
  private readonly missing = new Set<number>();
  private last = 0;

  /** Those that others have come before, and that have not come. */
  get lost(): number {
    return this.missing.size;
  }

  /** A number has come. */
  add(n: number): void {
    if (n > this.last) {
      for (let between = this.last + 1; between < n; between++) this.missing.add(between);
      this.last = n;
      this.received++;
    } else if (this.missing.delete(n)) {
      this.received++;
      this.disordered++;
    } else this.doubled++;
  }
}
