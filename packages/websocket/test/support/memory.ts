import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';

v8.setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

export function collectGarbage(): void {
  // What an array held outside of the heap is counted as free only after the sweep that follows its collection.
  for (let i = 0; i < 3; i++) gc();
}

/** Bytes in use by JavaScript, on the heap and outside of it, after a collection. */
export function usedMemory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * By how much the resident memory of the process grows while `run` runs. The first run is not measured: it compiles.
 * Of several the least counts, for other things grow too now and then, but a leak grows each time.
 */
export function residentGrowth(run: () => void): number {
  run();
  let least = Infinity;
  for (let attempt = 0; attempt < 4; attempt++) {
    collectGarbage();
    const before = process.memoryUsage.rss();
    run();
    least = Math.min(least, process.memoryUsage.rss() - before);
  }
  return least;
}
