// Many clients of a channel in one process: how many publications they take a second, each counted, each in its turn.
import { openTap } from '../lib/tap.mjs';
import { cpuMicros, later } from './common.mjs';

/**
 * An action. `open(port, onData)` resolves once a client follows the channel, and calls `onData(data)`; `end(client)`
 * closes it.
 */
export function deliveries({ open, end }) {
  return async ({ port, tapPort, clients: count, depth, size, seconds, warmup }) => {
    const tap = await openTap(tapPort);
    /** How many clients have yet to get each of the publications that are under way. */
    const missing = new Int32Array(depth).fill(count);
    let delivered = 0;
    let wanted = depth;
    let fault;
    const publish = () => {
      tap.publish(wanted);
      wanted = 0;
    };
    const receiver = () => {
      let next = 0;
      return (data) => {
        // As `numbered` of the servers makes it.
        if (typeof data !== 'string' || data.length !== size || Number.parseInt(data, 16) !== next) {
          fault ??= `publication ${next} came as ${JSON.stringify(data)}`;
        }
        delivered++;
        const at = next++ % depth;
        if (--missing[at] > 0) return;
        // Everybody has it: another takes its place.
        missing[at] = count;
        if (wanted++ === 0) setImmediate(publish);
      };
    };
    const clients = await Promise.all(Array.from({ length: count }, () => open(port, receiver())));
    publish();
    await later(warmup);
    const before = { delivered, cpu: cpuMicros(), time: performance.now() };
    await later(seconds);
    const messages = delivered - before.delivered;
    const elapsed = (performance.now() - before.time) / 1000;
    const cpu = cpuMicros() - before.cpu;
    tap.end();
    await Promise.all(clients.map(end));
    if (fault !== undefined) throw new Error(fault);
    if (messages === 0) throw new Error('nothing was delivered');
    return { messages, seconds: elapsed, cpu };
  };
}
