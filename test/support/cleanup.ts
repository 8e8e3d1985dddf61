import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Whoever can say that it is over: the context of a test, or `{ after }` of node:test for a whole file. */
export interface Scope {
  after(task: () => unknown): unknown;
}

/** A folder of its own, removed when the scope is over. */
export async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-test-'));
  scope.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
