// The machine that is measured on: what it is, how processes are pinned, and what /proc says of one of them.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { BENCH } from './peers.mjs';

const TICK_SECONDS = 0.01; // USER_HZ is 100 on every Linux that Node runs on

function canPin(cpu) {
  return spawnSync('taskset', ['-c', String(cpu), 'true']).status === 0;
}

function git(...args) {
  try {
    return execFileSync('git', args, { cwd: BENCH, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

export function inspectMachine({ serverCpu, loadCpu }) {
  const pins = canPin(serverCpu) && canPin(loadCpu);
  return {
    serverCpu,
    loadCpu,
    pins,
    pinned: (cpu, command) => (pins ? ['taskset', '-c', String(cpu), ...command] : command),
    facts: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memory: totalmem(),
      kernel: `${process.platform} ${release()}`,
      arch: process.arch,
      node: process.versions.node,
      pinned: pins ? { server: serverCpu, load: loadCpu } : false,
      commit: git('rev-parse', 'HEAD'),
      changed: (git('status', '--porcelain') ?? '') !== '',
    },
  };
}

/** Seconds of CPU the process has used, all its threads together. */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_SECONDS;
}

/** Anonymous resident memory, in bytes: what the process allocated, without file pages. */
export function anonymousMemory(pid) {
  const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (!match) throw new Error(`/proc/${pid}/status has no RssAnon`);
  return Number(match[1]) * 1024;
}

export function openFiles(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function availableMemory() {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'));
  return match ? Number(match[1]) * 1024 : 0;
}

export function fileLimit(pid) {
  const match = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'));
  return match ? Number(match[1]) : Number.POSITIVE_INFINITY;
}

/** Waits until the process has come to rest: next to no CPU for 300 ms. Says whether it did. */
export async function settle(pid, seconds = 15) {
  const until = Date.now() + seconds * 1000;
  let quiet = 0;
  let before = cpuSeconds(pid);
  while (Date.now() < until) {
    await delay(100);
    const now = cpuSeconds(pid);
    quiet = now - before <= TICK_SECONDS ? quiet + 1 : 0;
    if (quiet === 3) return true;
    before = now;
  }
  return false;
}

/** Waits until the process has no more than this many files open. */
export async function waitForFiles(pid, most, seconds = 15) {
  const until = Date.now() + seconds * 1000;
  while (openFiles(pid) > most) {
    if (Date.now() > until) throw new Error(`${openFiles(pid)} files are still open in the server after ${seconds} s`);
    await delay(50);
  }
}
