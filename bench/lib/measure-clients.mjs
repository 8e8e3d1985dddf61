// Measuring clients: each in turn on the core of the servers, against one echo server of ours on the core of the load.
import { Contestant } from './contestant.mjs';
import { cpuSeconds, fileLimit, openFiles, settle, waitForFiles } from './machine.mjs';
import { memoryAfterGc, memoryAsItStands } from './memory.mjs';
import { MEMORY_FROM, MEMORY_TO } from './rows.mjs';
import { attempt, forEachInTurn } from './turns.mjs';

function startClient({ machine }, contestant, flags = []) {
  const [program, ...rest] = contestant.command;
  return Contestant.start(machine, {
    name: contestant.server,
    role: 'client',
    cpu: machine.serverCpu,
    command: [program, ...flags, ...rest],
    args: [],
  });
}

/** The same for all: our server, with borrowed data, which is the fastest that is always there. */
async function withServer({ machine }, row, work) {
  const server = await Contestant.start(machine, {
    name: 'pulsebeacon',
    role: 'server',
    cpu: machine.loadCpu,
    command: [process.execPath, ...(row.isOfBoth ? ['--expose-gc'] : [])],
    args: ['--mode', 'echo', '--receive', 'borrowed'],
  });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

export function measureClientLoad(context, row, contestants) {
  const { options } = context;
  return withServer(context, row, (server) => {
    const run = async (client, seconds, warmup) => {
      const before = { cpu: cpuSeconds(server.pid), time: performance.now() };
      const result = await client.ask({ do: 'echo', port: server.port, ...row.echo, seconds, warmup }, seconds + 30);
      const elapsed = (performance.now() - before.time) / 1000;
      return {
        value: result.messages / result.seconds,
        cpu: result.cpu / result.messages,
        clientBusy: (cpuSeconds(server.pid) - before.cpu) / elapsed,
      };
    };
    return forEachInTurn(context, row, contestants, {
      start: (contestant) => startClient(context, contestant),
      prepare: (client) => run(client, Math.min(1, options.time), 0.5),
      window: (client) => run(client, options.time, options.warmup),
    });
  });
}

export function measureClientOpens(context, row, contestants) {
  return withServer(context, row, (server) => {
    const run = async (client, connections) => {
      const files = openFiles(server.pid);
      const before = { cpu: cpuSeconds(server.pid), time: performance.now() };
      const { seconds, cpu } = await client.ask({ do: 'hold', port: server.port, connections }, 60);
      const elapsed = (performance.now() - before.time) / 1000;
      const clientBusy = (cpuSeconds(server.pid) - before.cpu) / elapsed;
      await client.ask({ do: 'end' }, 60);
      await waitForFiles(server.pid, files + 8);
      await settle(client.pid);
      return { value: connections / seconds, cpu: cpu / connections, clientBusy };
    };
    return forEachInTurn(context, row, contestants, {
      start: (contestant) => startClient(context, contestant),
      prepare: (client) => run(client, 2_000),
      window: (client) => run(client, row.opens),
    });
  });
}

export async function measureClientMemory(context, row, contestants) {
  const samples = new Map(contestants.map((contestant) => [contestant.id, []]));
  for (let round = 1; round <= context.options.rounds; round++) {
    for (const contestant of contestants) {
      const measure = (server) => slope(context, row, contestant, server);
      const sample = await attempt(contestant, () => withServer(context, row, measure));
      if (!sample) continue;
      samples.get(contestant.id).push(sample);
      context.progress(row, contestant, round, sample);
    }
  }
  return samples;
}

/** Both in processes of their own: what one has once taken, it keeps. */
async function slope(context, row, contestant, server) {
  const client = await startClient(context, contestant, row.collect ? ['--expose-gc'] : []);
  contestant.info = client.info;
  const hold = (connections) => client.ask({ do: 'hold', port: server.port, connections }, 60);
  const readOne = (process) => (row.collect ? memoryAfterGc(process) : memoryAsItStands(process));
  const read = async () => (await readOne(client)) + (row.isOfBoth ? await readOne(server) : 0);
  try {
    if (fileLimit(client.pid) < MEMORY_TO + 100)
      throw new Error(`${MEMORY_TO} connections need a higher limit of open files (ulimit -n ${MEMORY_TO + 1000})`);
    await hold(MEMORY_FROM);
    const low = await read();
    await hold(MEMORY_TO - MEMORY_FROM);
    const high = await read();
    return { value: (high - low) / (MEMORY_TO - MEMORY_FROM), low, high, from: MEMORY_FROM, to: MEMORY_TO };
  } finally {
    await client.stop();
  }
}
