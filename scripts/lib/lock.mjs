// One lock for everything that changes node_modules or the build: two scripts started at once take turns.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { relative, resolve, say } from './project.mjs';

const LOCK = resolve('build', 'ensure.lock');

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Takes the lock if it is free. The file appears with its content at once, so nobody ever reads an empty one. */
function take() {
  const draft = `${LOCK}.${process.pid}`;
  fs.writeFileSync(draft, String(process.pid));
  try {
    fs.linkSync(draft, LOCK);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** Removes a lock whose owner is gone. Renaming comes first: of several that notice, one gets it. */
function clearStale() {
  try {
    const owner = Number(fs.readFileSync(LOCK, 'utf8'));
    if (alive(owner)) return;
    const aside = `${LOCK}.stale.${process.pid}`;
    fs.renameSync(LOCK, aside);
    // Between reading and renaming another may have cleared and taken it: then give it back.
    if (Number(fs.readFileSync(aside, 'utf8')) !== owner) fs.linkSync(aside, LOCK);
    fs.rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}

/** Runs `work` while holding the lock; waits, and says so once, while another process holds it. */
export async function withLock(work) {
  fs.mkdirSync(path.dirname(LOCK), { recursive: true });
  let told = false;
  while (!take()) {
    clearStale();
    if (!told) say(`waiting for another installation or build to end (it holds ${relative(LOCK)})`);
    told = true;
    await wait(100);
  }
  const release = () => fs.rmSync(LOCK, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
