/** How often something happened for a reason, and what was said the first time. */
export interface Reason {
  readonly key: string;
  readonly count: number;
  readonly message: string;
}

/** Most reasons that are told apart: what strangers say may be different every time. */
const MOST = 32;
const OTHERS = 'other';

/** Counts by reason. */
export class Reasons {
  private readonly counted = new Map<string, { count: number; readonly message: string }>();

  /** @param count how often; default 1 */
  add(key: string, message = '', count = 1): void {
    const known = this.counted.get(key);
    if (known !== undefined) known.count += count;
    else if (this.counted.size < MOST || key === OTHERS) this.counted.set(key, { count, message });
    else this.add(OTHERS, message, count);
  }

  addAll(list: readonly Reason[]): void {
    for (const { key, message, count } of list) this.add(key, message, count);
  }

  get total(): number {
    let total = 0;
    for (const { count } of this.counted.values()) total += count;
    return total;
  }

  /** The most frequent first. */
  list(): Reason[] {
    return [...this.counted].map(([key, { count, message }]) => ({ key, count, message })).sort(byCount);
  }
}

function byCount(a: Reason, b: Reason): number {
  return b.count - a.count;
}
