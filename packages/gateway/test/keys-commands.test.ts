// pulsebeacon keys create, list, revoke, hash.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { addKeys } from '#dist/commands/keys.js';
import { parseConfig } from '#dist/config/load.js';
import { toKeyRecord } from '#dist/config/lists.js';
import { KeyRing } from '#dist/keys/key-ring.js';
import { KeyStore } from '#dist/keys/key-store.js';
import { generateKey } from '#dist/keys/key-text.js';
import { findKey, may } from './support/keys.ts';
import { type Outcome, runProgram } from './support/program.ts';

describe('pulsebeacon keys', () => {
  let cwd: string;
  beforeEach(async () => (cwd = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-keys-'))));
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  const run = (args: readonly string[], input?: string): Promise<Outcome> =>
    runProgram(['keys', ...args], { cwd, ...(input === undefined ? {} : { input }) });

  it('makes a key that the server takes, and prints nothing else on standard output', async () => {
    const { code, stdout, stderr } = await run([
      'create',
      '--rights',
      'publish',
      '--channels',
      'news:*,chat:*',
      '--comment',
      'the newsroom',
    ]);
    assert.equal(code, 0);
    const key = findKey(new KeyRing({ store: new KeyStore(path.join(cwd, 'data')) }), stdout.trimEnd())!;
    assert(may(key, 'publish', 'chat:1') && !may(key, 'subscribe', 'chat:1') && !may(key, 'publish', 'x'));
    assert.match(
      stderr,
      new RegExp(
        `^the key ${key.id}, to publish on news:\\*, chat:\\*; this is the only time that the key is shown\\. Kept in .*keys\\.json\n$`,
      ),
    );
  });

  it('keeps them where the configuration says', async () => {
    await writeFile(path.join(cwd, 'pulsebeacon.yaml'), 'store: { data: ./elsewhere }');
    await run(['create']);
    await run(['create', '--data', 'here']);
    assert.deepEqual((await readdir(cwd)).sort(), ['elsewhere', 'here', 'pulsebeacon.yaml']);
  });

  it('loses none of those that are made at once', async () => {
    await Promise.all(Array.from({ length: 3 }, () => run(['create'])));
    assert.equal(new KeyStore(path.join(cwd, 'data')).list().length, 3);
  });

  it('lists and revokes them', async () => {
    assert.match((await run(['list'])).stderr, /^there are no keys: pulsebeacon keys create makes one\n$/);
    const { record } = new KeyStore(path.join(cwd, 'data')).create({
      rights: ['admin'],
      channels: ['a', 'b*'],
      comment: 'me',
    });
    const { stdout } = await run(['list']);
    assert.match(
      stdout,
      new RegExp(
        `^id +rights +channels +state +comment\n${record.id} +admin +a,b\\* +since \\d{4}-\\d\\d-\\d\\d +me\n$`,
      ),
    );
    const revoked = await run(['revoke', record.id]);
    assert.equal(revoked.stdout, `revoked the key ${record.id}, to admin on a, b*\n`);
    assert.match((await run(['list'])).stdout, / revoked \d{4}-/);
  });

  it('shows those of the configuration, and says how to take them out', async () => {
    const { stdout } = await run(['create', '--entry', '--comment', 'by hand']);
    const [text, ...entry] = stdout.split('\n');
    const yaml = `keys:\n${entry.join('\n')}`;
    await writeFile(path.join(cwd, 'pulsebeacon.yaml'), yaml);
    const configured = parseConfig(yaml, 'a.yaml').keys.map(toKeyRecord);
    const key = findKey(new KeyRing({ configured }), text!)!;
    assert.deepEqual(await readdir(cwd), ['pulsebeacon.yaml']);
    assert.match(
      (await run(['list'])).stdout,
      new RegExp(`${key.id} +publish,subscribe +\\* +pulsebeacon\\.yaml:2:5 +by hand`),
    );
    const { code, stderr } = await run(['revoke', key.id]);
    assert.equal(code, 1);
    assert.match(stderr, /stands in the configuration: take its entry at pulsebeacon\.yaml:2:5 out, and restart/);
  });

  it('makes the entry of a key from standard input', async () => {
    const { text } = generateKey();
    const { code, stdout } = await run(['hash', '--rights', 'subscribe', '--channels', 'a:b*'], `${text}\n`);
    assert.equal(code, 0);
    assert(!stdout.includes(text.slice(12)));
    const configured = parseConfig(`keys:\n${stdout}`, 'a.yaml').keys.map(toKeyRecord);
    assert(may(findKey(new KeyRing({ configured }), text)!, 'subscribe', 'a:b*'));
  });

  it('runs the command lines of the guide', async () => {
    const guide = await readFile(new URL('../../../../docs/guide/keys.md', import.meta.url), 'utf8');
    const commands = Array.from(guide.matchAll(/^```sh\n([^]*?)^```$/gm), ([, block]) => block!).join('');
    await writeFile(path.join(cwd, 'key.txt'), generateKey().text);
    const child = spawn('sh', ['-ec', `pulsebeacon() { "$NODE" "$BIN" "$@"; }\n${commands}`], {
      cwd,
      env: {
        ...process.env,
        NODE: process.execPath,
        BIN: fileURLToPath(new URL('../../bin/pulsebeacon.js', import.meta.url)),
      },
      stdio: 'ignore',
    });
    assert.deepEqual(await once(child, 'close'), [0, null]);
    assert.equal(new KeyStore(path.join(cwd, 'data')).list()[0]!.comment, 'the newsroom');
  });

  it('has an entry in the guide that is right', async () => {
    const guide = await readFile(new URL('../../../../docs/guide/keys.md', import.meta.url), 'utf8');
    assert.equal(parseConfig(/```yaml\n([^]*?)```/.exec(guide)![1]!, 'a.yaml').keys.length, 1);
  });

  it('ends with one sentence where the input is no key', async () => {
    const { code, stdout, stderr } = await run(['hash'], 'hello '.repeat(50_000));
    assert.match(stderr, /^pulsebeacon: what came from standard input is not a key: a key is pb_[^\n]*\n$/);
    assert.equal(stdout, '');
    assert.equal(code, 2);
  });

  const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
    [['create', '--rights', 'pblish'], /The rights are publish, subscribe, admin\. Did you mean publish\?/],
    [['create', '--channels', 'a\nb'], /A pattern has letters, digits, /],
    [['create', '--comment', ''], /A comment has 1 to 200 characters/],
    [['create', '--memory'], /with --memory no keys are kept: pulsebeacon keys create --entry makes one/],
    [['revoke'], /missing required argument 'id'/],
    [['creat'], /unknown command 'creat'/],
  ];
  for (const [args, says] of WRONG) {
    it(`refuses ${JSON.stringify(args)}`, async () => {
      const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
      addKeys(program);
      await assert.rejects(program.parseAsync(['keys', ...args], { from: 'user' }), says);
    });
  }
});
