// Measuring one row: every contestant's windows in turn (A B A B …), then medians.
import { runLoad, startLoad } from './loadgen.mjs';
import { availableMemory, fileLimit, openFiles, settle, waitForFiles } from './machine.mjs';
import { memoryAfterGc, memoryAsItStands } from './memory.mjs';
import { MEMORY_FROM, MEMORY_TO } from './rows.mjs';
import { startServer } from './servers.mjs';
import { attempt, disturbance, FOREIGN_CPU, forEachInTurn, STEAL } from './turns.mjs';
import { measureRecovery, measureStore } from './measure-channels.mjs';
import { measureDeliveries, measureFirst } from './measure-channel-clients.mjs';
import { measureClientLoad, measureClientMemory, measureClientOpens } from './measure-clients.mjs';

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function loadArgs(row, options) {
  const args = [...row.load];
  if (row.mode === 'deflate') args.push('--level', String(options.level));
  if (row.takeover) args.push('--takeover');
  return args;
}

function measureLoad(context, row, contestants) {
  const { machine, generator, options } = context;
  const run = async (server, contestant, time, warmup) => {
    const load = loadArgs(row, options);
    if (contestant.server === 'http') load[0] = 'http';
    const result = await runLoad(machine, generator, [
      ...load,
      ...server.info.load,
      ...['--port', server.port, '--pid', server.pid, '--time', time, '--warmup', warmup].map(String),
    ]);
    return {
      value: result.msgs_per_s,
      cpu: result.srv_user_us_per_msg + result.srv_sys_us_per_msg,
      latency: { p50: result.lat_us.p50, p99: result.lat_us.p99 },
      wire: { received: result.rx_bytes_per_msg, sent: result.tx_bytes_per_msg },
      extension: result.deflate,
      clientBusy: result.client_busy,
      foreignCpu: Math.max(0, result.foreign_cpu),
      steal: result.steal,
    };
  };
  // The first window of a process is spent compiling: it is not counted. There is more to compile for channels.
  const most = row.targets ? 3 : 1;
  const prepare = (server, contestant) => run(server, contestant, Math.min(most, options.time), 0.5);
  return forEachInTurn(context, row, contestants, {
    start: (contestant) => startServer(context, row, contestant),
    prepare,
    window: (server, contestant) => run(server, contestant, options.time, options.warmup),
  });
}

function measureHandshakes(context, row, contestants) {
  const { machine, generator } = context;
  const run = async (server, load) => {
    const files = openFiles(server.pid);
    const result = await runLoad(machine, generator, [
      ...load,
      '--port',
      String(server.port),
      '--pid',
      String(server.pid),
    ]);
    await waitForFiles(server.pid, files + 8);
    await settle(server.pid);
    return {
      value: result.conn_per_s,
      cpu: result.connect_cpu_us,
      clientBusy: result.client_busy,
      foreignCpu: Math.max(0, result.foreign_cpu),
      steal: result.steal,
    };
  };
  const prepare = (server) => run(server, ['idle', '--conns', '3000', '--hold', '0']);
  return forEachInTurn(context, row, contestants, {
    start: (contestant) => startServer(context, row, contestant),
    prepare,
    window: (server) => run(server, row.load),
  });
}

/** Opens this many connections and leaves them open; `close()` ends them. */
async function openIdle(context, row, server, connections) {
  const args = [
    'idle',
    '--conns',
    connections,
    '--hold-stdin',
    '--port',
    server.port,
    ...loadArgs(row, context.options),
    ...server.info.load,
  ];
  const load = startLoad(context.machine, context.generator, args.map(String), { stdin: 'pipe' });
  load.child.stdin.on('error', () => {});
  const { deflate } = await load.line;
  return {
    extension: deflate,
    close: () => {
      load.child.stdin.end();
      return load.ended;
    },
  };
}

async function slope(context, row, contestant, scale) {
  const flags = row.collect && contestant.server !== 'bun' ? ['--expose-gc'] : [];
  const server = await startServer(context, row, contestant, flags);
  contestant.info = server.info;
  const clients = [];
  const read = () => (row.collect ? memoryAfterGc(server) : memoryAsItStands(server));
  try {
    const [from, to] = [MEMORY_FROM * scale, MEMORY_TO * scale];
    if (fileLimit(server.pid) < to + 100)
      throw new Error(`${to} connections need a higher limit of open files (ulimit -n ${to + 1000})`);
    clients.push(await openIdle(context, row, server, from));
    const low = await read();
    // In clients of 5,000: each is a process with a limit of open files as well.
    for (let open = from; open < to; open += MEMORY_FROM * scale)
      clients.push(await openIdle(context, row, server, MEMORY_FROM * scale));
    const high = await read();
    return { value: (high - low) / (to - from), low, high, from, to, extension: clients[0].extension };
  } finally {
    for (const client of clients) await client.close();
    await server.stop();
  }
}

async function measureMemory(context, row, contestants) {
  const samples = new Map(contestants.map((contestant) => [contestant.id, []]));
  // A quarter of a megabyte for each connection is what the most expensive peer takes.
  const scale = row.mode === 'deflate' && availableMemory() < 6 * 2 ** 30 ? 0.2 : 1;
  for (let round = 1; round <= context.options.rounds; round++) {
    for (const contestant of contestants) {
      // What is beside the comparison is measured once: every round is a fresh process with 15,000 connections.
      if (round > 1 && !contestant.compared) continue;
      const sample = await attempt(contestant, () => slope(context, row, contestant, scale));
      if (!sample) continue;
      samples.get(contestant.id).push(sample);
      context.progress(row, contestant, round, sample);
    }
  }
  return samples;
}

const KINDS = {
  load: measureLoad,
  handshake: measureHandshakes,
  memory: measureMemory,
  'client-load': measureClientLoad,
  'client-opens': measureClientOpens,
  'client-memory': measureClientMemory,
  recovery: measureRecovery,
  store: measureStore,
  deliveries: measureDeliveries,
  first: measureFirst,
};

/** What makes a figure doubtful, in words. Only of the two that the ratio is made of. */
function doubts(row, contestants, samples) {
  const worst = (pick) =>
    Math.max(
      0,
      ...contestants.filter((c) => c.compared).flatMap((c) => samples.get(c.id).map((sample) => pick(sample) ?? 0)),
    );
  const notes = [];
  const foreign = worst((sample) => sample.foreignCpu);
  const steal = worst((sample) => sample.steal);
  if (foreign > FOREIGN_CPU)
    notes.push(
      `other processes used up to ${foreign.toFixed(2)} cores meanwhile: trust CPU per message more than rates`,
    );
  if (steal > STEAL) notes.push(`the host took away up to ${steal.toFixed(2)} cores meanwhile`);
  for (const contestant of contestants) {
    if (contestant.dropped) {
      notes.push(`${contestant.label} dropped out: ${contestant.dropped}`);
      continue;
    }
    const busy = median(samples.get(contestant.id).map((sample) => sample.clientBusy ?? 0));
    if (busy > 0.92)
      notes.push(
        `${contestant.label}: the other side was the limit (${Math.round(busy * 100)} % busy), so it is faster than shown`,
      );
  }
  const reduced = samples.get(contestants[0].id)[0];
  if (row.kind === 'memory' && reduced.to !== MEMORY_TO)
    notes.push(`little memory is free: slope from ${reduced.from} to ${reduced.to} connections`);
  return notes;
}

function verdict(target, ours, ratio) {
  if (!target) return undefined;
  if (target.atMostValue !== undefined) return ours <= target.atMostValue;
  if (target.atLeastValue !== undefined) return ours >= target.atLeastValue;
  if (ratio === undefined || (target.atLeast ?? target.atMost) === undefined) return undefined;
  return target.atLeast !== undefined ? ratio >= target.atLeast : ratio <= target.atMost;
}

/** Ours beside each peer that the row has a target for, where it was measured; or alone, where the target is. */
function compare(row, servers) {
  const { ours } = servers;
  const alone = row.absolute ? [{ target: row.absolute, met: verdict(row.absolute, ours.value) }] : [];
  const beside = row.targets
    .filter(({ peer }) => servers[peer])
    .map(({ peer, ...target }) => {
      const { label, value, cpu, samples } = servers[peer];
      return {
        peer,
        label,
        target,
        ratio: ours.value / value,
        ratios: ours.samples.map((sample, i) => sample.value / samples[i].value),
        cpuRatio: cpu && ours.cpu ? cpu / ours.cpu : undefined,
        met: verdict(target, ours.value, ours.value / value),
      };
    });
  return [...alone, ...beside];
}

/** Measures one row. contestants: [{ id, server, label, command, args, compared }], ours first. */
export async function measureRow(context, row, contestants) {
  const samples = await KINDS[row.kind](context, row, contestants);
  const servers = {};
  for (const contestant of contestants) {
    const own = samples.get(contestant.id);
    if (contestant.dropped || own.length === 0) continue;
    const cpus = own.map((sample) => sample.cpu).filter((cpu) => cpu !== undefined);
    servers[contestant.id] = {
      label: contestant.label,
      runtime: contestant.info.runtime,
      version: contestant.info.version,
      settings: contestant.info.settings,
      value: median(own.map((sample) => sample.value)),
      cpu: cpus.length ? median(cpus) : undefined,
      samples: own,
    };
  }
  const doubtful = contestants.some(({ id, compared }) => compared && samples.get(id).some((s) => disturbance(s) > 1));
  const notes = doubts(row, contestants, samples);
  const { id, title, kind, unit } = row;
  if (row.targets) return { id, title, kind, unit, servers, comparisons: compare(row, servers), doubtful, notes };
  const { ours, ws } = servers;
  const ratio = ws && ours.value / ws.value;
  return {
    id,
    title,
    kind,
    unit,
    target: row.target,
    servers,
    ratio,
    ratios: ws && ours.samples.map((sample, i) => sample.value / ws.samples[i].value),
    cpuRatio: ws?.cpu && ours.cpu ? ws.cpu / ours.cpu : undefined,
    met: verdict(row.target, ours.value, ratio),
    doubtful,
    notes,
  };
}
