// Measuring what only channels have: recovery, and a store.
import { runLoad } from './loadgen.mjs';
import { openFiles, settle, waitForFiles } from './machine.mjs';
import { startServer } from './servers.mjs';
import { forEachInTurn } from './turns.mjs';

/** Each window is a channel of its own, filled anew; everybody returns with the position before the first publication. */
export function measureRecovery(context, row, contestants) {
  const { machine, generator } = context;
  let windows = 0;
  const run = async (server, clients) => {
    const channel = `recovery-${++windows}`;
    const { position } = await server.ask({ do: 'fill', channel, count: row.missed, size: row.size }, 60);
    await settle(server.pid);
    const files = openFiles(server.pid);
    const result = await runLoad(
      machine,
      generator,
      `recover --conns ${clients} --concurrency ${clients} --expect ${row.missed} --stall 30`
        .split(' ')
        .concat(['--path', `/channels/${channel}?since=${encodeURIComponent(position)}`])
        .concat(['--port', String(server.port), '--pid', String(server.pid)]),
    );
    await waitForFiles(server.pid, files + 8);
    return {
      value: result.seconds,
      cpu: result.srv_us_per_msg,
      deliveries: result.msgs,
      latency: { p50: result.p50_s * 1e6 },
      clientBusy: result.client_busy,
      foreignCpu: Math.max(0, result.foreign_cpu),
      steal: result.steal,
    };
  };
  return forEachInTurn(context, row, contestants, {
    start: (contestant) => startServer(context, row, contestant),
    prepare: (server) => run(server, row.clients / 10),
    window: (server) => run(server, row.clients),
  });
}

export function measureStore(context, row, contestants) {
  const { options } = context;
  const run = async (server, seconds, warmup) => {
    const result = await server.ask({ do: 'publish', ...row.publish, seconds, warmup }, seconds + warmup + 30);
    return { value: result.publications / result.seconds, cpu: result.cpu / result.publications };
  };
  return forEachInTurn(context, row, contestants, {
    start: (contestant) => startServer(context, row, contestant),
    prepare: (server) => run(server, Math.min(1, options.time), 0.5),
    window: (server) => run(server, options.time, options.warmup),
  });
}
