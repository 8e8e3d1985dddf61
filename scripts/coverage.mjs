// npm run coverage: which lines and branches of @pulsebeacon/websocket and wire their own tests reach. The pure folders
// must be reached whole, file by file; the rest is shown. A page to look around in is written to coverage/.
import './lib/node-version.mjs';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensure } from './ensure.mjs';
import { Failure, filesBelow, main, resolve, runTool, say } from './lib/project.mjs';
import { runFiles, summariesOfFailures } from './lib/runner.mjs';
import { AT_ONCE, findTests, PORTABLE, SUITES } from './lib/suites.mjs';

const PACKAGES = ['packages/websocket', 'packages/wire'];
const WHOLE = ['packages/websocket/src/protocol', 'packages/websocket/src/handshake', 'packages/wire/src'];

const NAMES = 'protocol, handshake and wire';

/** A module of types alone compiles to nothing; there is nothing in it to reach. */
const isEmpty = (source) => {
  const compiled = resolve(source.replace('/src/', '/dist/').replace(/\.ts$/, '.js'));
  const comments = /\/\*[\s\S]*?\*\/|\/\/.*/g;
  return fs.readFileSync(compiled, 'utf8').replace(comments, '').trim() === 'export {};';
};

/** What is missing in the folders that must be reached whole, one sentence for each file. */
function gaps(summary) {
  const sources = WHOLE.flatMap((folder) => filesBelow(resolve(folder)).map((file) => `${folder}/${file}`));
  const judge = (source) => {
    const found = summary[resolve(source)];
    if (!found) return isEmpty(source) ? undefined : `${source}: no test loads it`;
    const short = ['lines', 'branches', 'functions'].filter((what) => found[what].covered < found[what].total);
    return short.length > 0
      ? `${source}: ${short.map((what) => `${found[what].covered} of ${found[what].total} ${what}`).join(', ')}`
      : undefined;
  };
  return sources
    .filter((source) => source.endsWith('.ts'))
    .map(judge)
    .filter(Boolean);
}

await main(async () => {
  await ensure({ build: 'all' });
  const tests = findTests().filter(
    // What measures time or memory must be alone, and recording coverage is company.
    ({ suite, source, alone }) =>
      PORTABLE.includes(suite) && PACKAGES.some((folder) => source.startsWith(`${folder}/`)) && !alone,
  );
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'pulsebeacon-coverage-'));
  try {
    const [{ seconds }] = SUITES;
    const results = await runFiles(tests, {
      atOnce: AT_ONCE,
      seconds: () => seconds,
      env: { ...process.env, NODE_V8_COVERAGE: data },
    });
    const failed = summariesOfFailures(results);
    if (failed.length > 0) throw new Failure(`tests failed, so their coverage says nothing:\n${failed.join('\n')}`);

    // Paths are chosen after they are mapped back from dist to src.
    const chosen = ['--exclude-after-remap', ...PACKAGES.map((folder) => `--include=${folder}/src/**/*.ts`)];
    const reports = ['text', 'html', 'json-summary'].map((name) => `--reporter=${name}`);
    const folders = [`--temp-directory=${data}`, `--reports-dir=${resolve('coverage')}`];
    const { code } = await runTool('c8', ['report', ...folders, ...chosen, ...reports]);
    if (code !== 0) throw new Failure('c8 could not make its report');
    const missing = gaps(JSON.parse(fs.readFileSync(resolve('coverage/coverage-summary.json'), 'utf8')));
    if (missing.length > 0) throw new Failure(`${NAMES} must be covered whole:\n${missing.join('\n')}`);
    say(`${NAMES} are covered whole`);
  } finally {
    fs.rmSync(data, { recursive: true, force: true });
  }
});
