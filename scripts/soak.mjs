// npm run soak: the fuzz and property tests in their long form, with a table of what they did.
import './lib/node-version.mjs';
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensure } from './ensure.mjs';
import { Failure, main, parseArguments, run, say, seconds } from './lib/project.mjs';
import { runFiles } from './lib/runner.mjs';
import { findTests } from './lib/suites.mjs';

const HELP = `Usage: npm run soak -- [options] [words]

Runs the property tests (those whose path contains one of the words) with millions of inputs instead of thousands.

  --seed N       the seed of the generators (default: a new one, which is printed)
  --factor F     F times as many inputs as the long form has (default: 1)
  --hours N      what one test file may take (default: 3)
  --write FILE   write the figures to FILE as Markdown, with the commit and the machine they were measured on
  --help         this text`;

const OPTIONS = {
  seed: { type: 'string' },
  factor: { type: 'string', default: '1' },
  hours: { type: 'string', default: '3' },
  write: { type: 'string' },
};

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Failure(`--${name} takes a number above 0, not "${text}"`);
  return value;
}

/** The figures that the tests reported: lines of the form `soak {"what": …, "inputs": …}` (test/properties/budget.ts). */
const figuresOf = (results) =>
  results
    .flatMap(({ notes }) => notes)
    .filter((note) => note.startsWith('soak '))
    .map((note) => JSON.parse(note.slice('soak '.length)));

function table(rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const cell = (value) => (typeof value === 'number' ? value.toLocaleString('en') : (value ?? ''));
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((name) => cell(row[name])))),
  ];
}

/** The commit that was measured, marked when the tree had changes that are in no commit. */
async function commit() {
  const git = async (...args) => (await run('git', args, { stdio: 'pipe' })).stdout.trim();
  const [hash, changes] = [await git('rev-parse', '--short=12', 'HEAD'), await git('status', '--porcelain')];
  return `${hash || 'no commit'}${changes ? ' with changes' : ''}`;
}

await main(async () => {
  const parsed = parseArguments(OPTIONS, HELP);
  if (!parsed) return 0;
  const { options, words } = parsed;
  const seed = options.seed === undefined ? randomInt(2 ** 31) : positive('seed', options.seed);
  const factor = positive('factor', options.factor);
  await ensure({ build: 'all' });
  const tests = findTests().filter(
    ({ suite, source }) =>
      suite === 'properties' && (words.length === 0 || words.some((word) => source.includes(word))),
  );
  if (tests.length === 0) throw new Failure('no property test matches');

  say(`seed ${seed}; repeat this run with \`npm run soak -- --seed ${seed} --factor ${factor}\``);
  const start = performance.now();
  const most = positive('hours', options.hours) * 3600;
  const results = await runFiles(tests, {
    atOnce: Math.min(2, os.availableParallelism()),
    seconds: () => most,
    env: { ...process.env, PULSEBEACON_SOAK: String(factor), PULSEBEACON_SEED: String(seed) },
    onResult: ({ source, passed, failed }) => say(`${source}: ${passed} passed, ${failed} failed (${seconds(start)})`),
  });
  for (const { source, failures } of results) {
    for (const { name, error, output } of failures)
      console.log([`✖ ${source}: ${name}`, error, output].filter(Boolean).join('\n'));
  }
  const lines = table(figuresOf(results));
  console.log(lines.join('\n'));
  const failed = results.reduce((total, result) => total + result.failed, 0);
  if (options.write && failed === 0) {
    const where = `Commit ${await commit()}, seed ${seed}, Node ${process.version}, ${os.cpus().length} cores, ${new Date().toISOString().slice(0, 10)}.`;
    fs.writeFileSync(path.resolve(options.write), ['# Soak', '', where, '', ...lines, ''].join('\n'));
    say(`figures written to ${options.write}`);
  }
  console.log(`${results.reduce((total, result) => total + result.passed, 0)} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
});
