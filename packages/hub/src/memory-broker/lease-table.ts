import type { Lease } from '../broker.ts';
import { ExpiringMap } from './expiring-map.ts';
import { SortedKeys } from './sorted-keys.ts';

/** Leases in memory, listed by prefix in the order of their keys (by UTF-16 code units). */
export class LeaseTable {
  private readonly keys = new SortedKeys();
  private readonly held: ExpiringMap<string>;

  /** @param onEnd is told of a lease that has run out, when it is swept */
  constructor(onEnd?: (key: string) => void) {
    this.held = new ExpiringMap((key) => {
      this.keys.delete(key);
      onEnd?.(key);
    });
  }

  /** With those that have run out and are not swept yet. */
  get size(): number {
    return this.held.size;
  }

  take(key: string, value: string, expires: number): void {
    if (this.held.expires(key) === undefined) this.keys.add(key);
    this.held.set(key, value, expires);
  }

  release(key: string): void {
    if (this.held.delete(key)) this.keys.delete(key);
  }

  /** Whether it is held, or has run out and is not swept yet. */
  has(key: string): boolean {
    return this.held.expires(key) !== undefined;
  }

  list(prefix: string, now: number): Lease[] {
    const leases: Lease[] = [];
    for (const key of this.keys.startingWith(prefix)) {
      const value = this.held.get(key, now);
      if (value !== undefined) leases.push({ key, value, expires: this.held.expires(key)! });
    }
    return leases;
  }

  sweep(now: number): void {
    this.held.sweep(now);
  }

  clear(): void {
    this.keys.clear();
    this.held.clear();
  }
}
