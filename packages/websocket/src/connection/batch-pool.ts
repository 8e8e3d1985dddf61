/**
 * Buffers for what is written in one turn of the event loop. Most writes are taken by the kernel at once, and the
 * buffer comes back here for the next connection; one that the stream had to hold is left to the garbage collector.
 */

/** The two smallest batches. */
export const SMALL_BATCH = 1024;
export const MEDIUM_BATCH = 4096;
/** The largest batch, and the most that is handed to a stream in one write. */
export const MAX_BATCH = 65536;

// 1, 4, 16 and 64 KiB; of each at most 1 MiB is kept.
const SMALLEST_SHIFT = 10;
const KEPT_BYTES = 1 << 20;
const free: Uint8Array[][] = [[], [], [], []];

function sizeClass(size: number): number {
  return size <= SMALL_BATCH ? 0 : size <= MEDIUM_BATCH ? 1 : size <= 16384 ? 2 : 3;
}

/** A buffer of at least `size` bytes (at most {@link MAX_BATCH}), not zeroed. */
export function acquireBatch(size: number): Uint8Array {
  const shift = sizeClass(size);
  return free[shift]!.pop() ?? Buffer.allocUnsafeSlow(1 << (SMALLEST_SHIFT + 2 * shift));
}

/** Gives back what {@link acquireBatch} gave. Nobody may use a view of it any more. */
export function releaseBatch(batch: Uint8Array): void {
  const list = free[sizeClass(batch.length)]!;
  if (list.length * batch.length < KEPT_BYTES) list.push(batch);
}
