// Measuring clients of channels: a server on its core, the process of the clients on the other, and it is theirs that counts.
import { Contestant } from './contestant.mjs';
import { cpuSeconds, settle } from './machine.mjs';
import { startServer } from './servers.mjs';
import { forEachInTurn } from './turns.mjs';

/** A server and a process of clients, which end together. */
async function startPair(context, row, contestant) {
  const { machine } = context;
  const server = await startServer(context, row, contestant);
  try {
    const client = await Contestant.start(machine, {
      name: contestant.server,
      role: 'client',
      cpu: machine.loadCpu,
      command: contestant.command,
      args: [],
    });
    return {
      server,
      client,
      info: { ...client.info, settings: server.info.settings },
      stop: async () => {
        await client.stop();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

export function measureDeliveries(context, row, contestants) {
  const { options } = context;
  const run = async ({ server, client, tapPort }, seconds, warmup) => {
    const before = { cpu: cpuSeconds(server.pid), time: performance.now() };
    const request = { do: 'deliver', port: server.port, tapPort, ...row.deliver, seconds, warmup };
    const { messages, seconds: elapsed, cpu } = await client.ask(request, seconds + warmup + 30);
    const clientBusy = (cpuSeconds(server.pid) - before.cpu) / ((performance.now() - before.time) / 1000);
    await settle(server.pid);
    return { value: messages / elapsed, cpu: cpu / messages, clientBusy };
  };
  return forEachInTurn(context, row, contestants, {
    start: async (contestant) => {
      const pair = await startPair(context, row, contestant);
      return { ...pair, tapPort: (await pair.server.ask({ do: 'tap', size: row.deliver.size }, 10)).port };
    },
    // There is much to compile, on both sides.
    prepare: (pair) => run(pair, Math.min(2, options.time), 1),
    window: (pair) => run(pair, options.time, options.warmup),
  });
}

export function measureFirst(context, row, contestants) {
  const { times, size } = row.first;
  const run = async ({ server, client, position }, count) => {
    const { median, cpu } = await client.ask({ do: 'first', port: server.port, position, times: count }, 120);
    await settle(server.pid);
    return { value: median, cpu };
  };
  return forEachInTurn(context, row, contestants, {
    start: async (contestant) => {
      const pair = await startPair(context, row, contestant);
      const fill = { do: 'fill', channel: 'first', count: 1, size };
      return { ...pair, position: (await pair.server.ask(fill, 10)).position };
    },
    prepare: (pair) => run(pair, 2 * times),
    window: (pair) => run(pair, times),
  });
}
