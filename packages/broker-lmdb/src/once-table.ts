import { decodeNumbers, encodeNumbers } from './records.ts';
import type { Store } from './store.ts';

/** What can be had once: a claim, or the receipt of an idempotency key. */
export interface OnceEntry {
  readonly expires: number;
  readonly offset: number;
  readonly time: number;
}

export function claimKey(key: string): string {
  return `c${key}`;
}

/** No name of a channel has a NUL. */
export function receiptKey(channel: string, key: string): string {
  return `i${channel}\0${key}`;
}

export function encodeOnce({ expires, offset, time }: OnceEntry): Buffer {
  return encodeNumbers([expires, offset, time]);
}

/** What is committed and holds still. */
export function findOnce(store: Store, key: Buffer, now: number): OnceEntry | undefined {
  const value = store.once.get(key);
  if (value === undefined) return undefined;
  const [expires, offset, time] = decodeNumbers(value) as [number, number, number];
  return expires > now ? { expires, offset, time } : undefined;
}
