// From nothing to the first message, again and again.
import { cpuMicros } from './common.mjs';

/**
 * An action. `open(port, position, onData)` connects to where the publications of the channel `first` behind a position come
 * from, and calls `onData(data)`; it returns what closes it.
 */
export function firstMessage(open) {
  const once = (port, position) =>
    new Promise((resolve) => {
      const start = performance.now();
      const close = open(port, position, () => {
        resolve(performance.now() - start);
        close();
      });
    });
  return async ({ port, position, times }) => {
    const all = [];
    const before = cpuMicros();
    for (let i = 0; i < times; i++) {
      all.push(await once(port, position));
      // What closes the connection is not the next one's.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    all.sort((a, b) => a - b);
    return { median: all[times >> 1], cpu: (cpuMicros() - before) / times };
  };
}
