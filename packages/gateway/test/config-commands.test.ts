// The program and its configuration file: which one it reads, and `config init|check|show`.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Outcome, Program, runProgram, type SpawnOptions } from './support/program.ts';

describe('the configuration of the program', () => {
  let cwd: string;
  beforeEach(async () => (cwd = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-config-'))));
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  const write = (text: string, name = 'pulsebeacon.yaml'): Promise<void> => writeFile(path.join(cwd, name), text);
  const run = (args: string, options: SpawnOptions = {}): Promise<Outcome> =>
    runProgram(args.split(' '), { cwd, ...options });
  describe('serve', () => {
    /** The limits with which it runs, and the file that it says it has read. */
    async function start(args: readonly string[], env: Record<string, string> = {}): Promise<unknown> {
      const program = await Program.start([...args, '--port', '0'], { cwd, env });
      const { limits } = program.find(({ limits: found }) => found !== undefined) as unknown as {
        limits: { maxMessageSize: number };
      };
      const file = program.find(({ configFile }) => configFile !== undefined)?.['configFile'];
      await program.stop();
      return { size: limits.maxMessageSize, file };
    }

    it('reads pulsebeacon.yaml where it is started', async () => {
      await write('limits: { maxMessageSize: 1KiB }');
      assert.deepEqual(await start([]), { size: 1024, file: 'pulsebeacon.yaml' });
    });

    it('reads the file of --config, and of PULSEBEACON_CONFIG', async () => {
      await write('limits: { maxMessageSize: 1KiB }');
      await write('limits: { maxMessageSize: 2KiB }', 'b.yaml');
      assert.deepEqual(await start(['--config', 'b.yaml']), { size: 2048, file: 'b.yaml' });
      assert.deepEqual(await start([], { PULSEBEACON_CONFIG: 'b.yaml' }), { size: 2048, file: 'b.yaml' });
    });

    it('reads none with --no-config', async () => {
      await write('limits: { maxMessageSize: 1KiB }');
      assert.deepEqual(await start(['--no-config']), { size: 65_536, file: undefined });
    });

    it('ends with 2 where the file is wrong, and where it is not there', async () => {
      await write('listen:\n  prt: 1\nlog: { level: inf }\n');
      const wrong = await run('serve');
      assert.equal(wrong.code, 2);
      assert.match(
        wrong.stderr,
        /^pulsebeacon: pulsebeacon\.yaml has 2 faults:\n {2}pulsebeacon\.yaml:2:3: listen\.prt: .*\n {2}pulsebeacon\.yaml:3:15: log\.level: .*\n$/,
      );
      const missing = await run('serve --config c.yaml');
      assert.equal(missing.code, 2);
      assert.match(
        missing.stderr,
        /cannot read the configuration c\.yaml: there is no such file; `pulsebeacon config init` writes one\n$/,
      );
    });
  });

  describe('config show', () => {
    it('prints what holds, and where it comes from', async () => {
      await write('limits:\n  messageRate: 1\n  messageBurst: 2\n');
      const { code, stdout, stderr } = await run('config show --message-rate 10', {
        env: { PULSEBEACON_MAX_CONNECTIONS: '3' },
      });
      assert.equal(stderr, '');
      assert.equal(code, 0);
      assert.match(stdout, /^ {2}messageRate: 10 # --message-rate$/m);
      assert.match(stdout, /^ {2}messageBurst: 2 # pulsebeacon\.yaml:3:17$/m);
      assert.match(stdout, /^ {2}maxConnections: 3 # PULSEBEACON_MAX_CONNECTIONS$/m);
    });
  });

  describe('config check', () => {
    it('says ok, where it would listen, and where the data would be', async () => {
      await mkdir(path.join(cwd, 'etc'));
      await write('store: { data: ../data, fsync: each }', 'etc/a.yaml');
      const { code, stdout } = await run('config check etc/a.yaml');
      const data = path.join(await realpath(cwd), 'data');
      assert.equal(
        stdout,
        `etc/a.yaml: ok\nwould listen on http://127.0.0.1:8080\nwould keep its data in ${data} (fsync each)\n`,
      );
      assert.equal(code, 0);
    });

    it('says what is wrong, and ends with 2', async () => {
      await write('namespaces:\n  - match: a\n    slowConsumer: spill\n    history: { size: 0 }\n');
      const { code, stdout, stderr } = await run('config check');
      assert.equal(stdout, '');
      assert.match(
        stderr,
        /^pulsebeacon: pulsebeacon\.yaml:3:19: namespaces\[0\]\.slowConsumer: spill reads on from the history/,
      );
      assert.equal(code, 2);
    });

    it('needs a file, and one only', async () => {
      const none = await run('config check');
      assert.match(
        none.stderr,
        /there is no pulsebeacon\.yaml here: name a file, or write one with pulsebeacon config init/,
      );
      assert.equal(none.code, 2);
      const two = await run('config check a.yaml --config b.yaml');
      assert.match(two.stderr, /the configuration is named twice/);
      assert.equal(two.code, 2);
    });
  });

  describe('config init', () => {
    it('writes an example that is right and says nothing', async () => {
      const { code, stdout } = await run('config init');
      assert.equal(stdout, 'wrote pulsebeacon.yaml; pulsebeacon serve reads it\n');
      assert.equal(code, 0);
      assert.match((await run('config check')).stdout, /^pulsebeacon\.yaml: ok\n/);
    });

    it('writes over nothing, unless it is told to', async () => {
      await write('log: { level: warn }', 'a.yaml');
      const refused = await run('config init a.yaml');
      assert.match(refused.stderr, /a\.yaml is there already: name another file, or write over it with --force/);
      assert.equal(refused.code, 1);
      assert.equal(await readFile(path.join(cwd, 'a.yaml'), 'utf8'), 'log: { level: warn }');
      const forced = await run('config init a.yaml --force');
      assert.match(forced.stdout, /wrote a\.yaml; pulsebeacon serve --config a\.yaml reads it/);
      assert.match(await readFile(path.join(cwd, 'a.yaml'), 'utf8'), /^# Configuration of/);
    });

    it('says where it cannot write', async () => {
      const { code, stderr } = await run('config init no/a.yaml');
      assert.match(stderr, /cannot write no\/a\.yaml: ENOENT/);
      assert.equal(code, 1);
    });
  });
});
