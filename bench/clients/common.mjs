// What every client of the comparison does; how it opens a connection is its own.
import { announce, obey } from '../lib/control.mjs';

const ignore = () => {};

export function cpuMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export const later = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * Measures a client. `open(url, onMessage)` resolves with a connection that has `send(data)`, and calls
 * `onMessage(connection)` for each message; `end(connection)` resolves when it is closed.
 */
export function measure(name, version, { open, end }) {
  const held = [];
  const url = (port) => `ws://127.0.0.1:${port}/echo`;

  const openMany = async (port, count, atOnce, onMessage) => {
    let left = count;
    const one = async () => {
      while (left-- > 0) held.push(await open(url(port), onMessage));
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  };

  const endAll = async () => {
    await Promise.all(held.splice(0).map(end));
    return {};
  };

  /** A closed loop: each message that comes back is answered by the next. */
  const echo = async ({ port, connections, size, depth, binary, seconds, warmup }) => {
    const payload = binary ? new Uint8Array(size).fill(0x2a) : 'x'.repeat(size);
    let messages = 0;
    let running = true;
    await openMany(port, connections, 64, (connection) => {
      messages++;
      if (running) connection.send(payload);
    });
    for (const connection of held) for (let i = 0; i < depth; i++) connection.send(payload);
    await later(warmup);
    const before = { messages, cpu: cpuMicros(), time: performance.now() };
    await later(seconds);
    const count = messages - before.messages;
    const elapsed = (performance.now() - before.time) / 1000;
    const cpu = cpuMicros() - before.cpu;
    running = false;
    await endAll();
    return { messages: count, seconds: elapsed, cpu, cores: cpu / 1e6 / elapsed };
  };

  /** Opens connections and leaves them open. */
  const hold = async ({ port, connections }) => {
    const before = { cpu: cpuMicros(), time: performance.now() };
    await openMany(port, connections, 64, ignore);
    return { seconds: (performance.now() - before.time) / 1000, cpu: cpuMicros() - before.cpu };
  };

  announce({ name, version });
  obey({ echo, hold, end: endAll });
}
