/** Silence after which what was missed has come. */
const QUIET_MS = 250;
/** Where it never is silent: after so long, what comes is new. */
const LONGEST_MS = 5000;

/** Counts what comes in one go after a return: a server does not say where that ends. */
export class RecoveryCount {
  private readonly tell: (count: number) => void;
  private count = 0;
  private quiet: NodeJS.Timeout | undefined;
  private longest: NodeJS.Timeout | undefined;

  /** @param tell how many there were */
  constructor(tell: (count: number) => void) {
    this.tell = tell;
  }

  begin(): void {
    this.finish();
    this.quiet = setTimeout(() => this.finish(), QUIET_MS);
    this.longest = setTimeout(() => this.finish(), LONGEST_MS);
  }

  publication(): void {
    if (this.quiet === undefined) return;
    this.count++;
    this.quiet.refresh();
  }

  /** That is all there will be. */
  finish(): void {
    if (this.quiet === undefined) return;
    clearTimeout(this.quiet);
    clearTimeout(this.longest);
    this.quiet = undefined;
    const { count } = this;
    this.count = 0;
    this.tell(count);
  }
}
