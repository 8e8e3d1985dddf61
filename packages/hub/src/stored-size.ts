import type { Publication } from '@pulsebeacon/wire';

/** What a publication takes beside its payload, roughly: itself, and its places in logs and budgets. */
const OVERHEAD = 256;

/** Bytes that a publication takes in memory, roughly. */
export function storedSize({ data }: Publication): number {
  return OVERHEAD + data.length;
}
