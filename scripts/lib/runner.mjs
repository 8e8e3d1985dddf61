// Runs compiled test files, each in a process of its own, and counts what they report.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ROOT } from './project.mjs';

const REPORTER = pathToFileURL(fileURLToPath(new URL('./reporter.mjs', import.meta.url))).href;
const OUTPUT_KEPT = 64 * 1024;

/** Each test file leads a process group, so that the servers it starts can be found and ended with it. */
const GROUPS = process.platform !== 'win32';

function endAll(child) {
  try {
    if (GROUPS) process.kill(-child.pid, 'SIGKILL');
    else child.kill('SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Test files that are running now; whoever ends the run ends them too. */
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const child of running) endAll(child);
    process.kill(process.pid, signal);
  });
}

function readRecords(file) {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  // The last line is empty, or torn when the process was killed while it wrote.
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}

/** The commands of a test's process group that still run: read from /proc, where zombies can be told from the living. */
function groupMembers(group) {
  const members = [];
  for (const pid of fs.existsSync('/proc/self/stat')
    ? fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    : []) {
    try {
      const [, command, state, pgrp] = /^\d+ \((.*)\) (\S) \d+ (\d+)/s.exec(
        fs.readFileSync(`/proc/${pid}/stat`, 'utf8'),
      );
      if (Number(pgrp) === group && state !== 'Z') members.push(command);
    } catch {
      // It ended while we looked.
    }
  }
  return members;
}

/** What a test file started and did not end: given two seconds to go, then ended, and named. */
async function leftBehind(child) {
  if (!GROUPS) return [];
  let left = groupMembers(child.pid);
  for (let tries = 0; left.length > 0 && tries < 20; tries++) {
    await wait(100);
    left = groupMembers(child.pid);
  }
  if (left.length > 0) endAll(child);
  return left;
}

/** Starts one file and waits for its end: { code, signal, output, late, left }. */
function execute(node, test, report, seconds, env) {
  const args = [
    '--enable-source-maps',
    `--test-reporter=${REPORTER}`,
    `--test-reporter-destination=${report}`,
    test.compiled,
  ];
  return new Promise((done, failed) => {
    const child = spawn(node, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: GROUPS });
    running.add(child);
    let output = '';
    const keep = (text) => (output = (output + text).slice(-OUTPUT_KEPT));
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      endAll(child);
    }, seconds * 1000);
    const settle = () => {
      clearTimeout(deadline);
      running.delete(child);
    };
    child.once('error', (error) => {
      settle();
      failed(error);
    });
    // 'exit' and not 'close': a grandchild that outlives its test and holds the pipe must not hold the run.
    child.once('exit', async (code, signal) => {
      settle();
      const left = late ? [] : await leftBehind(child);
      child.stdout.destroy();
      child.stderr.destroy();
      done({ code, signal, output, late, left });
    });
  });
}

/** What went wrong with the file as a whole, beyond the tests in it; undefined if nothing did. */
function wholeFileFault(result, counts, records, seconds) {
  if (result.late) {
    const ended = new Set(
      records.filter(({ kind }) => /^(pass|fail|skip)$/.test(kind)).map(({ name }) => name.split(' › ').pop()),
    );
    const open = records.filter(({ kind, name }) => kind === 'begin' && !ended.has(name)).map(({ name }) => name);
    const what =
      open.length > 0 ? `still running: ${open.join(', ')}` : 'its tests had ended, but something kept it alive';
    return `did not end within ${seconds} s; ${what}`;
  }
  if (result.signal) return `was ended by ${result.signal}`;
  if (records.length === 0 && result.code === 0) return 'has no test, or called process.exit() before one was reported';
  if (!records.some(({ kind }) => kind === 'end')) return `exited with code ${result.code} before its tests had ended`;
  if (counts.passed + counts.failed + counts.skipped === 0) return 'has no test';
  if (result.code !== 0 && counts.failed === 0) {
    // An error thrown after its test had ended fails no test; node:test only remarks on it.
    const remarks = records.filter(({ kind, text }) => kind === 'note' && /^(Warning|Error): /.test(text));
    return [`exited with code ${result.code} although its tests passed`, ...remarks.map(({ text }) => text)].join('\n');
  }
  if (result.left.length > 0) return `left processes running: ${result.left.join(', ')}`;
  return undefined;
}

/**
 * Runs one test file. Resolves to { source, passed, failed, skipped, failures, skips, notes }: failures are
 * { name, where, error }, skips names, notes what the tests said with t.diagnostic(), ms how long it took.
 */
export async function runFile(test, { node = process.execPath, seconds, env }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pulsebeacon-test-'));
  const report = path.join(folder, 'report.ndjson');
  const begin = performance.now();
  try {
    const result = await execute(node, test, report, seconds, env);
    const ms = performance.now() - begin;
    const records = readRecords(report);
    const of = (kind) => records.filter((record) => record.kind === kind);
    const counts = { passed: of('pass').length, failed: of('fail').length, skipped: of('skip').length };
    const failures = of('fail')
      .filter(({ error }) => error !== undefined)
      .map(({ name, file, line, error }) => ({ name, where: file && `${path.relative(ROOT, file)}:${line}`, error }));
    const fault = wholeFileFault(result, counts, records, seconds);
    if (fault) {
      counts.failed += 1;
      failures.push({ name: `the file ${fault}`, error: '' });
    }
    if (failures.length > 0 && result.output.trim()) failures.at(-1).output = result.output.trimEnd();
    const notes = of('note').map(({ text }) => text);
    return { source: test.source, ...counts, failures, skips: of('skip').map(({ name }) => name), notes, ms };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs files side by side, the slow ones first, and those that must be alone afterwards, one after the other.
 * `atOnce` is how many at most, `most(test)` how many of the test's suite, `seconds(test)` what it may take;
 * `onResult(result, test)` is called as each one ends.
 */
export async function runFiles(tests, { atOnce, most = () => atOnce, seconds, onResult, ...options }) {
  const alone = tests.filter((test) => test.alone);
  const together = tests.filter((test) => !test.alone);
  const waiting = [...together.filter(({ slow }) => slow), ...together.filter(({ slow }) => !slow)];
  const results = [];
  const active = [];
  const mayBegin = (test) => active.filter(({ suite }) => suite === test.suite).length < most(test);
  const run = async (test) => {
    active.push(test);
    const result = await runFile(test, { ...options, seconds: seconds(test) });
    active.splice(active.indexOf(test), 1);
    results.push(result);
    onResult?.(result, test);
  };
  const worker = async () => {
    for (;;) {
      const next = waiting.findIndex(mayBegin);
      // None, or of suites that have their workers, who will come to them.
      if (next === -1) return;
      const [test] = waiting.splice(next, 1);
      await run(test);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  for (const test of alone) await run(test);
  return results;
}

/** Of an error, or at the end of what a file printed, where not all of it has room. */
const LINES_OF_ERROR = 20;

/** What failed, by file and name, with the first lines of its error. */
export const summariesOfFailures = (results) =>
  results.flatMap(({ source, failures }) =>
    failures.map(({ name, error, output }) => {
      const lines = (error || output || '').split('\n').filter(Boolean);
      const some = error ? lines.slice(0, LINES_OF_ERROR) : lines.slice(-LINES_OF_ERROR);
      return [`${source}: ${name}`, ...some.map((line) => `  ${line}`)].join('\n');
    }),
  );
