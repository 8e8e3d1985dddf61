// npm test: installs and builds what is missing, runs the suites, and ends with one line: N passed, N failed.
import './lib/node-version.mjs';
import fs from 'node:fs';
import path from 'node:path';
import { ensure } from './ensure.mjs';
import { nodeBinary } from './lib/other-node.mjs';
import { CI, Failure, main, parseArguments, say, seconds } from './lib/project.mjs';
import { debianPackages, installPackages, lookFor } from './lib/requirements.mjs';
import { runFiles, summariesOfFailures } from './lib/runner.mjs';
import { AT_ONCE, findTests, PORTABLE, SUITES } from './lib/suites.mjs';

const HELP = `Usage: npm test -- [options] [words]

Runs every test, or those whose path contains one of the words (npm test -- 5.4-fragmentation).

  --only SUITES    these suites, with commas between: ${SUITES.map(({ name }) => name).join(',')}
  --node VERSION   run under another Node (22, 24, 26, or the path of one); without --only: ${PORTABLE.join(' and ')}
  --install        install the Debian packages that some tests need (CI=true does the same)
  --list           list the tests, by suite, and what they need
  --slowest N      say which N files of each suite took longest
  --results FILE   write the counts, and what failed, to FILE as JSON
  --help           this text

Suites:
${SUITES.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join('\n')}

Tests that need a program which is not here are skipped, and the end of the run says which and why. With CI=true
the programs are installed first, and a test that is skipped all the same is a failure.`;

const OPTIONS = {
  only: { type: 'string' },
  node: { type: 'string' },
  install: { type: 'boolean', default: CI },
  list: { type: 'boolean', default: false },
  results: { type: 'string' },
  slowest: { type: 'string', default: '0' },
};

function chooseSuites({ only, node }) {
  if (only === undefined) return node ? SUITES.filter(({ name }) => PORTABLE.includes(name)) : SUITES;
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.filter((wanted) => !SUITES.some(({ name }) => name === wanted));
  if (unknown.length > 0) throw new Failure(`no suite is called ${unknown.join(', ')} (npm test -- --help)`);
  return SUITES.filter(({ name }) => names.includes(name));
}

function list(suites, tests) {
  for (const { name, about } of suites) {
    console.log(`${name}: ${about}`);
    for (const test of tests.filter(({ suite }) => suite === name)) {
      console.log(`  ${test.source}${test.requires.length > 0 ? ` (needs ${test.requires.join(', ')})` : ''}`);
    }
  }
}

/** Finds what the chosen tests need, installing it if that was asked for: { env, missing }. */
async function prepare(tests, install) {
  const names = [...new Set(tests.flatMap(({ requires }) => requires))].sort();
  const found = await lookFor(names);
  if (found.missing.length === 0 || !install) return found;
  await installPackages(found.missing);
  return lookFor(names);
}

const indent = (text) => text.replace(/^(?=.)/gm, '      ');

function printFailures(results) {
  for (const { source, failures } of results) {
    for (const { name, where, error, output } of failures) {
      console.log(`  ✖ ${source}${where ? ` (${where})` : ''}\n${indent(name).slice(2)}`);
      if (error) console.log(indent(error));
      if (output) console.log(`    what the file printed:\n${indent(output)}`);
    }
  }
}

function countsOf(results) {
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** "412 passed, 1 failed": the one form in which counts are written, here and in the last line. */
const counted = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** The time is that since all began: groups run side by side. */
function printGroup(name, results, start, slowest) {
  console.log(`${name.padEnd(14)} ${counted(countsOf(results)).padEnd(36)} ${seconds(start).padStart(8)}`);
  for (const { source, ms } of [...results].sort((a, b) => b.ms - a.ms).slice(0, slowest)) {
    console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${source}`);
  }
  printFailures(results);
}

/** What is told of together: a suite; and those that must be alone, which come when all suites are through. */
const groupOf = ({ suite, alone }) => (alone ? 'alone' : suite);

/** Runs all tests, those of several suites side by side, and tells of each group when its last file has ended. */
async function runSuites(suites, tests, { slowest, ...options }) {
  const start = performance.now();
  const inOrder = suites.flatMap(({ name }) => tests.filter(({ suite }) => suite === name));
  const suiteOf = (test) => suites.find(({ name }) => name === test.suite);
  const groups = new Map(tests.map((test) => [groupOf(test), []]));
  let ended = 0;
  const show = (text) => process.stdout.isTTY && process.stdout.write(`\r${text}\x1b[K`);
  const progress = () => show(`${ended}/${tests.length} files`);
  progress();
  const onResult = (result, test) => {
    const name = groupOf(test);
    const results = groups.get(name);
    results.push(result);
    ended++;
    if (results.length === tests.filter((other) => groupOf(other) === name).length) {
      show('');
      printGroup(name, results, start, slowest);
    }
    if (ended < tests.length) progress();
  };
  return runFiles(inOrder, {
    ...options,
    atOnce: AT_ONCE,
    most: (test) => suiteOf(test).most ?? AT_ONCE,
    seconds: (test) => suiteOf(test).seconds,
    onResult,
  });
}

function explainSkips(skips, unmet, missing) {
  for (const { source, requires } of unmet) {
    console.log(`skipped ${source}: needs ${requires.filter((name) => missing.includes(name)).join(', ')}`);
  }
  for (const skip of skips) console.log(`skipped ${skip}`);
  if (unmet.length > 0) {
    console.log(`missing here: ${missing.join(', ')} (Debian: ${debianPackages(missing).join(' ')})`);
    if (!CI) console.log('`npm test -- --install` installs them.');
  }
}

await main(async () => {
  const parsed = parseArguments(OPTIONS, HELP);
  if (!parsed) return 0;
  const { options, words } = parsed;
  const suites = chooseSuites(options);
  const chosen = findTests().filter(
    ({ suite, source }) =>
      suites.some(({ name }) => name === suite) && (words.length === 0 || words.some((word) => source.includes(word))),
  );
  if (options.list) {
    list(suites, chosen);
    return 0;
  }

  await ensure({ build: 'all' });
  const node = options.node ? await nodeBinary(options.node) : process.execPath;
  const { env, missing } = await prepare(chosen, options.install);
  const lacks = ({ requires }) => requires.some((name) => missing.includes(name));
  const unmet = chosen.filter(lacks);
  if (options.node) say(`the tests run under ${node}`);

  const results = await runSuites(
    suites,
    chosen.filter((test) => !lacks(test)),
    { node, env: { ...process.env, ...env }, slowest: Number(options.slowest) },
  );
  const total = countsOf(results);
  total.skipped += unmet.length;
  const skips = results.flatMap(({ source, skips: names }) => names.map((name) => `${source}: ${name}`));

  explainSkips(skips, unmet, missing);
  // Nobody reads a remark on a build server: what did not run has failed there.
  if (CI) Object.assign(total, { failed: total.failed + total.skipped, skipped: 0 });
  if (total.passed + total.failed === 0) {
    console.log('no test ran');
    total.failed = 1;
  }
  if (options.results) {
    const counts = { ...total, failures: summariesOfFailures(results) };
    fs.writeFileSync(path.resolve(options.results), JSON.stringify(counts));
  }
  console.log(counted(total));
  return total.failed > 0 ? 1 : 0;
});
