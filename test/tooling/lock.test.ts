import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT } from './scripts.ts';

describe('the lock around installing and building', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-lock-'));
    // The lock belongs to the project in which the script lies, and so it is tried in a project of its own.
    await cp(path.join(ROOT, 'scripts/lib'), path.join(folder, 'scripts/lib'), { recursive: true });
    await writeFile(
      path.join(folder, 'scripts/work.mjs'),
      `import fs from 'node:fs';
       import { withLock } from './lib/lock.mjs';
       import { resolve } from './lib/project.mjs';
       await withLock(async () => {
         fs.mkdirSync(resolve('inside'));
         fs.appendFileSync(resolve('count'), 'x');
         await new Promise((done) => setTimeout(done, 50));
         fs.rmdirSync(resolve('inside'));
       });`,
    );
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const work = (): Promise<string> =>
    new Promise((done, failed) => {
      execFile(process.execPath, [path.join(folder, 'scripts/work.mjs')], (error, _stdout, stderr) =>
        error ? failed(error) : done(stderr),
      );
    });

  it('lets one in at a time, and in the end everyone', async () => {
    await Promise.all(Array.from({ length: 6 }, work));
    assert.equal(await readFile(path.join(folder, 'count'), 'utf8'), 'xxxxxx');
    assert.deepEqual(await readdir(path.join(folder, 'build')), []);
  });

  it('is taken over from a process that is gone', async () => {
    const gone = await new Promise<number>((done) => {
      const child = execFile(process.execPath, ['-e', ''], () => done(child.pid ?? 0));
    });
    await mkdir(path.join(folder, 'build'), { recursive: true });
    await writeFile(path.join(folder, 'build/ensure.lock'), String(gone));
    await Promise.all([work(), work(), work()]);
    assert.deepEqual(await readdir(path.join(folder, 'build')), []);
  });
});
