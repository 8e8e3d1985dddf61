// pulsebeacon keys create, list, revoke, hash.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseConfig } from '#dist/config/load.js';
import { toKeyRecord } from '#dist/config/lists.js';
import { KeyRing } from '#dist/keys/key-ring.js';
import { KeyStore } from '#dist/keys/key-store.js';
import { generateKey } from '#dist/keys/key-text.js';
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
    const key = new KeyRing({ store: new KeyStore(path.join(cwd, 'data')) }).find(stdout.trimEnd())!;
    assert(key.mayPublish('chat:1') && !key.maySubscribe('chat:1') && !key.mayPublish('x'));
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
    await Promise.all(Array.from({ length: 4 }, () => run(['create'])));
    assert.equal(new KeyStore(path.join(cwd, 'data')).list().length, 4);
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
    const key = new KeyRing({ configured }).find(text!)!;
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
    const { code, stdout } = await run(['hash', '--rights', 'subscribe', '--channels', 'a: b'], `${text}\n`);
    assert.equal(code, 0);
    assert(!stdout.includes(text.slice(12)));
    const configured = parseConfig(`keys:\n${stdout}`, 'a.yaml').keys.map(toKeyRecord);
    assert(new KeyRing({ configured }).find(text)!.maySubscribe('a: b'));
  });

  const WRONG: readonly (readonly [readonly string[], string | undefined, RegExp, number])[] = [
    [
      ['create', '--rights', 'pblish'],
      undefined,
      /The rights are publish, subscribe, admin\. Did you mean publish\?/,
      2,
    ],
    [['create', '--channels', 'a\nb'], undefined, /A pattern has no control characters/, 2],
    [['create', '--comment', ''], undefined, /A comment has 1 to 200 characters/, 2],
    [['create', '--memory'], undefined, /with --memory no keys are kept: pulsebeacon keys create --entry makes one/, 2],
    [['revoke', 'nonesuch'], undefined, /there is no key nonesuch in .*: pulsebeacon keys list shows them/, 1],
    [['revoke'], undefined, /missing required argument 'id'/, 2],
    [['hash'], 'hello', /what came from standard input is not a key: a key is pb_/, 2],
    [['hash'], 'x'.repeat(100_000), /is not a key/, 2],
    [['creat'], undefined, /unknown command 'creat' \(Did you mean create\?\)/, 2],
  ];
  for (const [args, input, says, exitCode] of WRONG) {
    it(`ends with one sentence: ${JSON.stringify(args)} ${input?.slice(0, 5) ?? ''}`, async () => {
      const { code, stdout, stderr } = await run(args, input);
      assert.match(stderr, says);
      assert.equal(stdout, '');
      assert.equal(code, exitCode);
    });
  }
});
