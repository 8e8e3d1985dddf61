import { type Figures, KEPT_SECONDS } from 'pulsebeacon/dashboard';

/** So far apart, something is missing between two figures: no line is drawn over what nobody knows. */
const GAP_SECONDS = 3;

/** One of the figures; null where there was none in that second. */
export type Read = (figures: Figures) => number | null;

/** The figures of the last minutes, in columns. */
export class Series {
  private readonly figures: (Figures | undefined)[] = [];
  private readonly times: number[] = [];

  /** @returns the newest figures */
  get latest(): Figures | undefined {
    return this.figures.at(-1);
  }

  /** Seconds since 1970, rising. */
  get seconds(): readonly number[] {
    return this.times;
  }

  add(figures: Figures): void {
    const at = figures.at / 1000;
    const last = this.times.at(-1);
    if (last !== undefined && at <= last) return;
    if (last !== undefined && at - last > GAP_SECONDS) this.push(last + 0.001, undefined);
    this.push(at, figures);
    while (this.times[0]! < at - KEPT_SECONDS - 5) {
      this.times.shift();
      this.figures.shift();
    }
  }

  at(index: number): Figures | undefined {
    return this.figures[index];
  }

  column(read: Read): (number | null)[] {
    return this.figures.map((figures) => (figures === undefined ? null : read(figures)));
  }

  private push(at: number, figures: Figures | undefined): void {
    this.times.push(at);
    this.figures.push(figures);
  }
}
