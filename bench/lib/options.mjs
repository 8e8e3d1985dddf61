// The command line of the comparison.
import { parseArgs } from 'node:util';
import { PEERS } from './peers.mjs';
import { ROWS } from './rows.mjs';

const DEFAULTS = {
  rounds: '3',
  time: '3',
  warmup: '1',
  peers: 'ws,uws,bun,socketio,nchan',
  ours: 'pulsebeacon',
  level: '1',
};

export const HELP = `npm run bench -- [options]        (or: node bench/run.mjs [options])

Runs @pulsebeacon/websocket, @pulsebeacon/hub and their peers side by side on this machine: the server on one core, the load
on another, in turn, and prints ratios of medians. Peers are installed into bench/node_modules the first time.

  --only ROWS        these rows only, by comma (all); "hub" is all that begin with it
  --peers PEERS      compare with these, by comma (${DEFAULTS.peers})
  --rounds N         windows for each server and row (${DEFAULTS.rounds})
  --time S           seconds in a window (${DEFAULTS.time})
  --warmup S         seconds before each window (${DEFAULTS.warmup})
  --level L          deflate level of both sides, 1 to 9 (${DEFAULTS.level}, as ours ships)
  --server-cpu N     pin the server to this core (0); with taskset, where it exists
  --load-cpu N       pin the load to this core (1)
  --ours NAME        put another server in our place: "--ours ws" measures ws against ws, which
                     shows how far to trust a ratio here (it should be 1.0)
  --json FILE        write the figures here too (always: bench/results/*.json and *.html)
  --no-install       never install a peer that is missing
  --help

Rows:
${ROWS.map((row) => `  ${row.id.padEnd(18)} ${row.title}`).join('\n')}
`;

/** Servers that are there anyway, and take part where a row names them. */
export const OWN = ['http', 'http2', 'pulsebeacon', 'hub', 'post', 'bare', 'bare-channel'];

export class UsageError extends Error {}

function list(text, known, what) {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length) throw new UsageError(`${what} "${unknown[0]}" is not known. Known: ${known.join(', ')}`);
  return [...new Set(names)];
}

/** Names of rows, and beginnings of names: what goes before a hyphen. */
function rowIds(text, ids) {
  const groups = ids.map((id) => id.split('-')[0]).filter((group) => !ids.includes(group));
  const names = list(text, [...ids, ...groups], 'row');
  return ids.filter(
    (id) => names.includes(id) || (groups.includes(id.split('-')[0]) && names.includes(id.split('-')[0])),
  );
}

function number(text, what, least) {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least)
    throw new UsageError(`${what} wants a number of at least ${least}, not "${text}"`);
  return value;
}

function whole(text, what, least) {
  const value = number(text, what, least);
  if (!Number.isInteger(value)) throw new UsageError(`${what} wants a whole number, not "${text}"`);
  return value;
}

/** Throws UsageError; `help` comes back true when it was asked for. */
export function readOptions(argv) {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        only: { type: 'string' },
        peers: { type: 'string', default: DEFAULTS.peers },
        rounds: { type: 'string', default: DEFAULTS.rounds },
        time: { type: 'string', default: DEFAULTS.time },
        warmup: { type: 'string', default: DEFAULTS.warmup },
        level: { type: 'string', default: DEFAULTS.level },
        'server-cpu': { type: 'string', default: '0' },
        'load-cpu': { type: 'string', default: '1' },
        ours: { type: 'string', default: DEFAULTS.ours },
        json: { type: 'string' },
        install: { type: 'boolean', default: true },
        help: { type: 'boolean', default: false },
      },
      allowNegative: true,
    }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  const ids = ROWS.map((row) => row.id);
  const servers = Object.keys(PEERS);
  const level = whole(values.level, '--level', 1);
  if (level > 9) throw new UsageError('--level is 1 to 9');
  const only = values.only === undefined ? ids : rowIds(values.only, ids);
  if (only.length === 0) throw new UsageError('--only names no row');
  return {
    help: values.help,
    rows: ROWS.filter((row) => only.includes(row.id)),
    peers: list(
      values.peers,
      servers.filter((name) => !OWN.includes(name)),
      'peer',
    ),
    ours:
      list(
        values.ours,
        servers.filter((name) => !PEERS[name].isNamed || name === 'http'),
        'server',
      )[0] ?? DEFAULTS.ours,
    rounds: whole(values.rounds, '--rounds', 1),
    time: number(values.time, '--time', 0.2),
    warmup: number(values.warmup, '--warmup', 0),
    level,
    serverCpu: whole(values['server-cpu'], '--server-cpu', 0),
    loadCpu: whole(values['load-cpu'], '--load-cpu', 0),
    json: values.json,
    install: values.install,
  };
}
