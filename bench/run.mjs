// `npm run bench`: the comparison with the peers, side by side. See README.md; `--help` for the options.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { page } from './lib/html.mjs';
import { buildLoadGenerator } from './lib/loadgen.mjs';
import { inspectMachine } from './lib/machine.mjs';
import { measureRow } from './lib/measure.mjs';
import { HELP, OWN, readOptions, UsageError } from './lib/options.mjs';
import { BENCH, findPeers, PEERS } from './lib/peers.mjs';
import { progressLine, summary } from './lib/text.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

/** Ours first, then ws, then whoever else takes part in this row. */
function contestantsOf(row, options, found) {
  if (row.targets) return channelContestantsOf(row, options, found);
  const names = (row.peers ?? options.peers.filter((name) => !PEERS[name].isNamed)).filter(
    (name) => row.peers === undefined || name === 'http' || options.peers.includes(name),
  );
  const ours = {
    id: 'ours',
    server: options.ours,
    label: PEERS[options.ours].label,
    args: row.ours ?? [],
    compared: true,
  };
  if (names.includes(options.ours)) ours.label += ' (A)';
  const peers = names.map((name) => ({
    id: name,
    server: name,
    label: PEERS[name].label,
    args: [],
    compared: name === 'ws' || name === 'http',
  }));
  return [ours, ...peers]
    .filter(({ server }) => found.get(server).command)
    .map((contestant) => ({ ...contestant, command: found.get(contestant.server).command }));
}

/** Ours, then those that the row has a target for. */
function channelContestantsOf(row, options, found) {
  const peers = row.targets
    .map(({ peer }) => peer)
    .filter((peer) => OWN.includes(peer) || options.peers.includes(peer));
  const contestant = (id, server, args = []) => ({ id, server, label: PEERS[server].label, args, compared: true });
  const all = [contestant('ours', row.ours, row.args), ...peers.map((peer) => contestant(peer, peer, []))];
  for (const own of all.slice(1)) {
    if (own.server === 'pulsebeacon') own.label = row.ours === 'http2' ? 'HTTP/1.1' : 'raw broadcast';
  }
  return all
    .filter(({ server }) => found.get(server).command)
    .map((own) => ({ ...own, command: found.get(own.server).command }));
}

function secondsOf(row, contestants, { rounds, time, warmup }) {
  const count = contestants.length;
  if (row.kind === 'recovery') return count * rounds * 8;
  if (row.kind === 'load' || row.kind === 'store' || row.kind === 'client-load')
    return count * (3 + rounds * (time + warmup + 0.3));
  if (row.kind === 'handshake' || row.kind === 'client-opens') return count * (2 + rounds * 3);
  const compared = contestants.filter((contestant) => contestant.compared).length;
  return (compared * rounds + count - compared) * (row.mode === 'deflate' ? 12 : 8);
}

function writeResults(report, options) {
  const directory = join(BENCH, 'results');
  mkdirSync(directory, { recursive: true });
  const name = report.when.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-');
  const text = `${JSON.stringify(report, undefined, 2)}\n`;
  const files = [join(directory, `${name}.json`), join(directory, `${name}.html`)];
  writeFileSync(files[0], text);
  writeFileSync(files[1], page(report));
  if (options.json) {
    writeFileSync(options.json, text);
    files.push(options.json);
  }
  return files;
}

/** Those that the chosen rows need. */
function serversOf({ rows, ours, peers }) {
  const names = new Set();
  for (const row of rows) {
    names.add(row.targets ? row.ours : ours);
    const named = row.targets?.map(({ peer }) => peer) ?? row.peers ?? peers.filter((name) => !PEERS[name].isNamed);
    for (const name of named) if (OWN.includes(name) || peers.includes(name)) names.add(name);
  }
  return [...names];
}

function prepare(options) {
  const generator = buildLoadGenerator(say);
  const machine = inspectMachine(options);
  const names = serversOf(options);
  const found = findPeers(names, { install: options.install, say });
  const missing = [];
  for (const name of names) {
    const { why } = found.get(name);
    if (!why) continue;
    if (name === options.ours || name === 'hub') throw new Error(why);
    missing.push({ id: name, label: PEERS[name].label, why });
    say(`${PEERS[name].label}: not installed: ${why}`);
  }
  return { generator, machine, found, missing };
}

async function main(options) {
  const { generator, machine, found, missing } = prepare(options);
  const notes = [];
  if (machine.pins) say(`server on core ${machine.serverCpu}, load on core ${machine.loadCpu}`);
  else notes.push('processes were not pinned (no taskset, or too few cores): expect more noise');
  const context = {
    options,
    machine,
    generator,
    progress: (row, contestant, round, sample) => say(progressLine(row, contestant, round, options.rounds, sample)),
  };
  const report = {
    format: 1,
    when: new Date().toISOString(),
    machine: machine.facts,
    options: {
      rounds: options.rounds,
      time: options.time,
      warmup: options.warmup,
      level: options.level,
      ours: options.ours,
      peers: options.peers,
    },
    rows: [],
    missing,
    failed: [],
    notes,
  };
  const plan = options.rows.map((row) => ({ row, contestants: contestantsOf(row, options, found) }));
  const minutes = plan.reduce((sum, { row, contestants }) => sum + secondsOf(row, contestants, options), 0) / 60;
  say(
    `${plan.length} ${plan.length === 1 ? 'row' : 'rows'}, about ${minutes < 1.5 ? 'a minute' : `${Math.round(minutes)} minutes`}`,
  );
  for (const { row, contestants } of plan) {
    say(`\n${row.title}`);
    if (row.mode === 'deflate' && generator.zlib) {
      report.failed.push({ id: row.id, why: generator.zlib });
      say(`  skipped: ${generator.zlib}`);
      continue;
    }
    try {
      report.rows.push(await measureRow(context, row, contestants));
    } catch (error) {
      report.failed.push({ id: row.id, why: error.message });
      say(`  failed: ${error.message}`);
    }
  }
  const files = writeResults(report, options);
  say(`\n${summary(report)}\n\n${files.map((file) => `wrote ${relative(process.cwd(), file)}`).join('\n')}`);
  return report.failed.length ? 1 : 0;
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) say(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  process.stderr.write(
    `${error instanceof UsageError ? `${error.message} (--help lists the options)` : `bench: ${error.message}`}\n`,
  );
  process.exitCode = error instanceof UsageError ? 64 : 1;
}
