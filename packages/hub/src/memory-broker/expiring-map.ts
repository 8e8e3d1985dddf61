import { Rounds } from './rounds.ts';

interface Entry<V> {
  readonly value: V;
  readonly expires: number;
}

/** What holds until a time. What has run out is not found any more; its memory is freed by `sweep`, round by round. */
export class ExpiringMap<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private readonly rounds: Rounds<string, Entry<V>>;
  private now = 0;

  /** @param onEnd is told of a key that is gone */
  constructor(onEnd?: (key: string) => void) {
    this.rounds = new Rounds(this.entries, (key, { expires }) => {
      if (expires > this.now) return;
      this.entries.delete(key);
      onEnd?.(key);
    });
  }

  get size(): number {
    return this.entries.size;
  }

  /** @param now milliseconds, of the clock that `set` gets its `expires` from */
  get(key: string, now: number): V | undefined {
    const entry = this.entries.get(key);
    return entry !== undefined && entry.expires > now ? entry.value : undefined;
  }

  /** When a key runs out, or ran out. */
  expires(key: string): number | undefined {
    return this.entries.get(key)?.expires;
  }

  set(key: string, value: V, expires: number): void {
    this.entries.set(key, { value, expires });
  }

  delete(key: string): boolean {
    return this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
  }

  sweep(now: number): void {
    this.now = now;
    this.rounds.step();
  }
}
