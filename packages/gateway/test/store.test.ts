// The folder of the data, in whatever state the program finds it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from '#dist/channels/store.js';
import { Failure } from '#dist/failure.js';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'pulsebeacon-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

for (const [what, make, says] of [
  ['is a folder', (file: string) => mkdirSync(file), /cannot read .*session\.key: EISDIR.*that this user may read$/],
  ['was cut short', (file: string) => writeFileSync(file, ''), /session\.key is no session key: remove it/],
] as const) {
  it(`a session key that ${what} is a sentence, and leaves the store to others`, async (t) => {
    const folder = folderOf(t);
    const key = path.join(folder, 'session.key');
    make(key);
    const open = () => openStore({ folder, fsync: 'grouped' });
    await assert.rejects(open, (error) => error instanceof Failure && says.test(error.message));
    rmSync(key, { recursive: true });
    const { broker } = await open();
    await broker.close();
  });
}

it('an LMDB that cannot be loaded is a sentence, too', (t) => {
  const hook = `export const resolve = async (name, context, next) => {
    if (name === 'lmdb') throw new Error('no native build');
    return next(name, context);
  };`;
  const url = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;
  const register = url(`import { register } from 'node:module'; register(${JSON.stringify(url(hook))});`);
  const cli = fileURLToPath(import.meta.resolve('#dist/cli.js'));
  const args = ['--import', register, cli, 'serve', '--no-config', '--port', '0', '--data', folderOf(t)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.match(stdout + stderr, /cannot load LMDB, which keeps channels on disk: no native build; --memory needs none/);
  assert.equal(status, 1);
});
