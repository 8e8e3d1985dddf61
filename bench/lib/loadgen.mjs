// The load generator: compiled when it is first needed, run pinned, its one JSON line read.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH } from './peers.mjs';

const SOURCE = join(BENCH, 'wsload', 'wsload.c');
const CACHE = join(BENCH, '.cache');

function compile(compiler, output, flags, libraries) {
  const half = `${output}.${process.pid}`;
  const result = spawnSync(compiler, ['-O2', ...flags, '-o', half, SOURCE, ...libraries], { encoding: 'utf8' });
  if (result.error) return `no C compiler "${compiler}" (${result.error.code})`;
  if (result.status !== 0)
    return (
      result.stderr
        .trim()
        .split('\n')
        .find((line) => line.includes('error')) ?? 'it does not compile'
    );
  renameSync(half, output);
  return undefined;
}

/** { path, zlib }: `zlib` is undefined, or why compressed rows cannot be measured. Throws when nothing can be. */
export function buildLoadGenerator(say) {
  if (process.platform !== 'linux')
    throw new Error(`the load generator is for Linux (epoll, /proc); this is ${process.platform}`);
  const compiler = process.env.CC ?? 'cc';
  const key = createHash('sha256')
    .update(readFileSync(SOURCE))
    .update(compiler)
    .update(process.arch)
    .digest('hex')
    .slice(0, 16);
  const full = join(CACHE, `wsload-${key}`);
  const plain = join(CACHE, `wsload-${key}-nozlib`);
  if (existsSync(full)) return { path: full };
  say('compiling the load generator (once)');
  mkdirSync(CACHE, { recursive: true });
  const withZlib = compile(compiler, full, ['-DWSLOAD_ZLIB'], ['-lz']);
  if (!withZlib) return { path: full };
  const without = existsSync(plain) ? undefined : compile(compiler, plain, [], []);
  if (without) throw new Error(`the load generator cannot be compiled: ${without}`);
  return {
    path: plain,
    zlib: `the load generator was built without zlib (Debian: apt-get install zlib1g-dev): ${withZlib}`,
  };
}

/** Starts it; `result` settles with its JSON line, or rejects with what it says went wrong. */
export function startLoad(machine, generator, args, { stdin = 'ignore' } = {}) {
  const [program, ...rest] = machine.pinned(machine.loadCpu, [generator.path, ...args]);
  const child = spawn(program, rest, { stdio: [stdin, 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  const line = new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      out += chunk;
      const end = out.indexOf('\n');
      if (end < 0) return;
      const result = JSON.parse(out.slice(0, end));
      if (result.error) reject(new Error(`load generator: ${result.error}`));
      else resolve(result);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => (err += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      reject(new Error(`load generator ended (${code ?? signal}): ${err.trim() || out.trim()}`)),
    );
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  line.catch(() => {});
  return { child, line, ended };
}

export async function runLoad(machine, generator, args) {
  const { line, ended } = startLoad(machine, generator, args);
  const result = await line;
  await ended;
  return result;
}
