import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Scope } from '@pulsebeacon/contracts';

/** A folder of its own, removed when the scope is over. */
export async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-lmdb-'));
  scope.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
