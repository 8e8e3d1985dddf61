// A runner that overlooks a failure makes every other test worthless: each way in which a file can fail is tried.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Result, runner, suites } from './scripts.ts';

describe('the test runner', () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-tooling-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function runText(text: string, seconds = 60): Promise<Result> {
    const compiled = path.join(await mkdtemp(path.join(folder, 'file-')), 'sample.mjs');
    await writeFile(compiled, text);
    return runner.runFile({ source: 'sample', compiled }, { seconds, env: process.env });
  }

  const IMPORT = "import { after, before, describe, it, test } from 'node:test';\n";
  const counts = ({ passed, failed, skipped }: Result): unknown => ({ passed, failed, skipped });

  it('counts tests and subtests, and not the suites around them', async () => {
    const result = await runText(
      `${IMPORT}describe('a', () => { it('one', () => {}); describe('b', () => { it('two', () => {}); }); });
       test('three', async (t) => { await t.test('four', () => {}); });`,
    );
    assert.deepEqual(counts(result), { passed: 4, failed: 0, skipped: 0 });
    assert.deepEqual(result.failures, []);
  });

  it('tells where a test failed and with what', async () => {
    const result = await runText(
      `${IMPORT}describe('a', () => {\n  it('one', () => { throw new Error('reason'); });\n});`,
    );
    assert.deepEqual(counts(result), { passed: 0, failed: 1, skipped: 0 });
    assert.equal(result.failures[0]?.name, 'a › one');
    assert.match(result.failures[0]?.where ?? '', /sample\.mjs:3$/);
    assert.match(result.failures[0]?.error ?? '', /^Error: reason/);
  });

  it('sums a failure up: by file and name, with the beginning of its error or the end of what was printed', async () => {
    const thrown = await runText(`${IMPORT}it('one', () => { throw new Error('reason'); });`);
    const printed = await runText("for (let i = 0; i < 99; i++) console.log(`line ${i}`); throw new Error('load');");
    const [first, second] = runner.summariesOfFailures([thrown, printed]) as [string, string];
    assert.match(first, /^sample: one\n {2}Error: reason\n/);
    assert.match(second, /^sample: the file exited with code 1 [^]*Error: load/);
    assert(!second.includes('line 1\n') && second.split('\n').length <= 21);
  });

  it('counts what is skipped and what is still to do, by name', async () => {
    const result = await runText(
      `${IMPORT}it.skip('one', () => {}); it.todo('two'); it('three', (t) => t.skip('why'));`,
    );
    assert.deepEqual(counts(result), { passed: 0, failed: 0, skipped: 3 });
    assert.deepEqual(result.skips, ['one', 'two', 'three']);
  });

  it('passes on what a test remarks', async () => {
    const result = await runText(`${IMPORT}it('one', (t) => t.diagnostic('soak {}'));`);
    assert(result.notes.includes('soak {}'));
  });

  const FAULTS: readonly { what: string; text: string; seconds?: number; says: RegExp }[] = [
    { what: 'has no test', text: 'export {};', says: /has no test/ },
    { what: 'does not load', text: "throw new Error('load');", says: /exited with code 1 before its tests had ended/ },
    {
      what: 'leaves in the middle',
      text: `${IMPORT}test('a', () => {}); test('b', async () => { await null; process.exit(0); });`,
      says: /called process\.exit\(\)|exited with code 0 before its tests had ended/,
    },
    {
      what: 'throws when its tests are over',
      text: `${IMPORT}test('a', () => { setTimeout(() => { throw new Error('later'); }, 20); });`,
      says: /exited with code 1 although its tests passed[^]*later/,
    },
    {
      what: 'sets an exit code',
      text: `${IMPORT}test('a', () => { process.exitCode = 3; });`,
      says: /exited with code 3 although its tests passed/,
    },
    { what: 'ends itself by a signal', text: "process.kill(process.pid, 'SIGKILL');", says: /was ended by SIGKILL/ },
    {
      what: 'never ends a test',
      text: `${IMPORT}test('a', () => {}); test('b', () => new Promise(() => { setInterval(() => {}, 1000); }));`,
      seconds: 4,
      says: /did not end within 4 s; still running: b/,
    },
    {
      what: 'leaves something open',
      text: `${IMPORT}test('a', () => { setInterval(() => {}, 1000); });`,
      seconds: 4,
      says: /did not end within 4 s; its tests had ended, but something kept it alive/,
    },
    {
      what: 'leaves a process behind',
      text: `${IMPORT}import { spawn } from 'node:child_process';
             test('a', () => { spawn('sleep', ['600'], { stdio: 'ignore' }).unref(); });`,
      says: /left processes running: sleep/,
    },
    {
      what: 'fails in a hook',
      text: `${IMPORT}describe('a', () => { after(() => { throw new Error('hook'); }); it('b', () => {}); });`,
      says: /^a$/,
    },
  ];

  describe('fails a file that', { concurrency: 3 }, () => {
    for (const { what, text, seconds, says } of FAULTS) {
      it(what, async () => {
        const result = await runText(text, seconds);
        assert.equal(result.failed, 1);
        assert.equal(result.failures.length, 1);
        assert.match(result.failures[0]?.name ?? '', says);
      });
    }
  });

  it('shows what a failing file printed, and keeps a passing one quiet', async () => {
    const failing = await runText(`${IMPORT}console.log('hello'); test('a', () => { throw 1; });`);
    assert.equal(failing.failures[0]?.output, 'hello');
    const passing = await runText(`${IMPORT}console.log('hello'); test('a', () => {});`);
    assert.deepEqual(passing.failures, []);
  });

  it('runs what must be alone after all others', async () => {
    const log = path.join(folder, 'log.txt');
    const write = (name: string): string =>
      `${IMPORT}import { appendFileSync } from 'node:fs';
       test('a', async () => {
         appendFileSync(${JSON.stringify(log)}, '+${name} ');
         await new Promise((done) => setTimeout(done, 100));
         appendFileSync(${JSON.stringify(log)}, '-${name} ');
       });`;
    const tests = ['x', 'y', 'z'].map((name) => ({
      source: name,
      compiled: path.join(folder, `${name}.mjs`),
      alone: name === 'x',
    }));
    for (const { source, compiled } of tests) await writeFile(compiled, write(source));
    const results = await runner.runFiles(tests, { atOnce: 2, seconds: () => 60, env: process.env });
    assert.deepEqual(results.map(({ source }) => source).at(-1), 'x');
    assert.match(await readFile(log, 'utf8'), /\+x -x $/);
  });

  it('begins with those that are slow, and runs no more of a suite side by side than it may', async () => {
    const text = `${IMPORT}test('a', async () => { await new Promise((done) => setTimeout(done, 100)); });`;
    const compiled = path.join(folder, 'short.mjs');
    await writeFile(compiled, text);
    const names = ['one a', 'one b', 'one c', 'two d', 'two e'];
    const tests = names.map((source) => ({ source, compiled, suite: source.slice(0, 3), slow: source === 'two e' }));
    const begun: string[] = [];
    let ones = 0;
    let mostOnes = 0;
    await runner.runFiles(tests, {
      atOnce: 3,
      most: ({ suite }) => (suite === 'one' ? 1 : 3),
      seconds: ({ source, suite }) => {
        begun.push(source);
        if (suite === 'one') mostOnes = Math.max(mostOnes, ++ones);
        return 60;
      },
      onResult: (_, { suite }) => {
        if (suite === 'one') ones--;
      },
      env: process.env,
    });
    assert.deepEqual(begun.slice(0, 3), ['two e', 'one a', 'two d']);
    assert.deepEqual([...begun].sort(), names);
    assert.equal(mostOnes, 1);
  });

  it('reads what a file requires from the comments at its top, and from nowhere else', () => {
    const text = '// A title.\n// requires: nginx, haproxy\n// alone: memory\n\nimport "x";\n// requires: curl\n';
    assert.equal(suites.header(text, 'requires'), 'nginx, haproxy');
    assert.equal(suites.header(text, 'alone'), 'memory');
    assert.equal(suites.header('import "x";\n// requires: curl\n', 'requires'), undefined);
  });
});
