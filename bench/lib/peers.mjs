// The servers that are compared, and how each comes to be there.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNchan } from './nchan.mjs';

export const BENCH = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(BENCH, 'node_modules');

/**
 * server, client: its program in the folder of that name; package: what npm has to install; optional: the comparison goes
 * on without it; isNamed: it takes part only in rows that name it.
 */
export const PEERS = {
  pulsebeacon: { label: 'Pulse Beacon', server: 'pulsebeacon.mjs', client: 'pulsebeacon.mjs' },
  ws: { label: 'ws', server: 'ws.mjs', client: 'ws.mjs', package: 'ws' },
  uws: { label: 'uWebSockets.js', server: 'uws.mjs', package: 'uwebsockets', optional: true },
  bun: { label: 'Bun', server: 'bun.mjs', package: 'bun', optional: true },
  http: { label: 'node:http', server: 'http.mjs', isNamed: true },
  hub: { label: 'Pulse Beacon', server: 'hub.mjs', client: 'beacon.mjs', isNamed: true },
  bare: { label: 'WebSocket to /connect', server: 'hub.mjs', client: 'bare.mjs', isNamed: true },
  'bare-channel': { label: 'WebSocket to /channels', server: 'hub.mjs', client: 'bare-channel.mjs', isNamed: true },
  // Its client came last: where that is installed, the server is.
  socketio: {
    label: 'Socket.IO',
    server: 'socketio.mjs',
    client: 'socketio.mjs',
    package: 'socket.io-client',
    optional: true,
    isNamed: true,
  },
  nchan: { label: 'Nchan', server: 'nchan.mjs', isNamed: true },
  http2: { label: 'Pulse Beacon, HTTP/2', client: 'pulsebeacon-http2.mjs', isNamed: true },
  post: { label: 'node:http', server: 'post.mjs', isNamed: true },
};

const OURS = {
  pulsebeacon: '@pulsebeacon/websocket',
  http2: '@pulsebeacon/websocket',
  hub: '@pulsebeacon/hub',
  bare: '@pulsebeacon/websocket',
  'bare-channel': '@pulsebeacon/websocket',
};

/** Of what a program said on standard error, the line that says most. */
export function firstLine(text) {
  return (
    text
      .split('\n')
      .map((line) => line.trim())
      .find((line) => /error|cannot|not |missing/i.test(line)) ??
    text.trim().split('\n')[0] ??
    ''
  );
}

function runs(command, args) {
  const result = spawnSync(command, args, { cwd: BENCH, encoding: 'utf8', timeout: 20_000 });
  if (result.error) return { ok: false, why: result.error.message };
  if (result.status !== 0)
    return { ok: false, why: firstLine(result.stderr) || `ended with ${result.status ?? result.signal}` };
  return { ok: true, out: result.stdout.trim() };
}

/** The npm package keeps the program in a package of its platform and moves it here after installing. */
function bunProgram() {
  const candidates = [join(MODULES, 'bun', 'bin', 'bun.exe')];
  const platforms = join(MODULES, '@oven');
  if (existsSync(platforms)) {
    for (const name of readdirSync(platforms)) candidates.push(join(platforms, name, 'bin', 'bun'));
  }
  let why = 'the package "bun" has no program for this platform';
  for (const program of candidates.filter((path) => existsSync(path))) {
    const tried = runs(program, ['--version']);
    if (tried.ok) return { program };
    why = tried.why;
  }
  return { why };
}

/** { command: [program, ...flags] } or { why } when it cannot run here. */
function probe(name) {
  if (name === 'bun') {
    if (!existsSync(join(MODULES, 'bun'))) return { why: 'the package "bun" is not installed' };
    const { program, why } = bunProgram();
    return program ? { command: [program] } : { why };
  }
  if (name === 'nchan') {
    const { why } = findNchan();
    return why ? { why } : { command: [process.execPath] };
  }
  const own = OURS[name];
  if (own) {
    const tried = runs(process.execPath, ['--input-type=module', '-e', `await import('${own}')`]);
    return tried.ok
      ? { command: [process.execPath] }
      : { why: `${own} does not load (is it built? npm run build): ${tried.why}` };
  }
  const wanted = PEERS[name].package;
  if (wanted) {
    if (!existsSync(join(MODULES, wanted))) return { why: `the package "${wanted}" is not installed` };
    const tried = runs(process.execPath, ['--input-type=module', '-e', `await import('${wanted}')`]);
    if (!tried.ok) return { why: tried.why };
  }
  return { command: [process.execPath] };
}

function install(optional, say) {
  say(`installing into bench/node_modules: ${optional ? 'the peers' : 'ws'} (once)`);
  const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  if (!optional) args.push('--omit=optional');
  const result = spawnSync('npm', args, { cwd: BENCH, encoding: 'utf8', timeout: 300_000 });
  if (result.error) return result.error.message;
  return result.status === 0 ? undefined : firstLine(result.stderr);
}

/** Finds, and where allowed installs, the servers by these names. Returns a Map of name to { command } or { why }. */
export function findPeers(names, { install: mayInstall, say }) {
  const missing = names.filter((name) => PEERS[name].package && !existsSync(join(MODULES, PEERS[name].package)));
  let failed;
  if (missing.length && mayInstall)
    failed = install(
      missing.some((name) => PEERS[name].optional),
      say,
    );
  const found = new Map();
  for (const name of names) {
    const result = probe(name);
    if (result.why && failed && missing.includes(name)) result.why += ` (npm: ${failed})`;
    found.set(name, result);
  }
  return found;
}
