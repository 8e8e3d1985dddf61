// The program and its configuration file: which one it reads, what goes before what, and `config init|check|show`.
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
  const show = async (args = '', env: Record<string, string> = {}): Promise<string> => {
    const { code, stdout, stderr } = await run(`config show ${args}`.trim(), { env });
    assert.equal(stderr, '');
    assert.equal(code, 0);
    return stdout;
  };

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

    it('says which half of a certificate is missing, and where the other one stands', async () => {
      await write('tls:\n  cert: c.pem\n');
      const { code, stderr } = await run('serve');
      assert.equal(code, 2);
      assert.match(stderr, /tls\.cert \(pulsebeacon\.yaml:2:9\) needs its key, too/);
    });

    it('refuses a namespace whose messages the limit does not let through', async () => {
      await write('namespaces:\n  - match: a\n    maxMessageSize: 2KiB\n');
      const { code, stderr } = await run('serve --max-message-size 1KiB');
      assert.equal(code, 2);
      assert.match(
        stderr,
        /pulsebeacon\.yaml:3:21: .* above the 1024 bytes of limits\.maxMessageSize \(--max-message-size\)/,
      );
    });
  });

  describe('config show', () => {
    it('says what holds, and where it comes from: command line, environment, file, default', async () => {
      await write('limits:\n  messageRate: 1\n  messageBurst: 2\n  maxConnections: 3\n');
      const text = await show('--message-rate 10', { PULSEBEACON_MESSAGE_RATE: '20', PULSEBEACON_MESSAGE_BURST: '21' });
      assert.match(text, /^ {2}messageRate: 10 # --message-rate$/m);
      assert.match(text, /^ {2}messageBurst: 21 # PULSEBEACON_MESSAGE_BURST$/m);
      assert.match(text, /^ {2}maxConnections: 3 # pulsebeacon\.yaml:4:19$/m);
      assert.match(text, /^ {2}handshakeRate: 500 # default$/m);
      assert.match(text, /^ {2}# addresses: not set/m);
    });

    it('replaces lists, and turns off switches', async () => {
      await write(
        'access: { publicUrls: [https://a.test] }\ncontent: { compression: true }\nstore: { memory: true }\n',
      );
      const text = await show('--public-url https://b.test --no-compression', { PULSEBEACON_MEMORY: 'no' });
      assert.match(text, /^ {2}publicUrls: \[https:\/\/b\.test\] # --public-url$/m);
      assert.match(text, /^ {2}compression: false # --no-compression$/m);
      assert.match(text, /^ {2}memory: false # PULSEBEACON_MEMORY$/m);
    });

    it('shows namespaces to the last default, and no hash', async () => {
      const hash = 'ab'.repeat(32);
      await write(
        `namespaces:\n  - match: "chat:*"\n    history: { size: 5 }\nkeys:\n  - { id: abcdefgh, hash: "sha256:${hash}", rights: [admin], channels: ["*"] }\n`,
      );
      const text = await show();
      assert.match(
        text,
        / {2}- match: chat:\* # pulsebeacon\.yaml:2:12\n {4}history:\n {6}size: 5 # pulsebeacon\.yaml:3:22\n {6}age: 5min # default\n/,
      );
      assert.match(text, / {2}- match: "\*" # default\n/);
      assert.match(text, / {2}- id: abcdefgh # .*\n {4}hash: '\(not shown\)' # /);
      assert(!text.includes(hash));
    });

    it('is itself a file that says the same', async () => {
      await write(
        'limits: { messageRate: off, headerTimeout: 1500ms }\nlisten: { addresses: ["unix:/run/x.sock", "[::1]:80"] }\n',
      );
      const first = await show();
      await write(first.replace(/^ {2}(port|host): .*\n/gm, ''), 'b.yaml');
      const values = (text: string): string => text.replaceAll(/ #.*$/gm, '');
      assert.equal(values(await show('b.yaml')), values(first));
    });
  });

  describe('the command line', () => {
    const LISTENS: readonly (readonly [file: string, args: string, env: Record<string, string>, where: string])[] = [
      ['listen: { addresses: [1, 2] }', '', {}, 'http://127.0.0.1:1, http://127.0.0.1:2'],
      ['listen: { addresses: [1, 2] }', '--port 3', {}, 'http://127.0.0.1:3'],
      ['listen: { addresses: [1, 2] }', '', { PULSEBEACON_PORT: '3' }, 'http://127.0.0.1:3'],
      ['listen: { port: 1 }', '--listen unix:/run/x.sock', {}, 'unix:/run/x.sock'],
      ['listen: { port: 1 }', '', { PULSEBEACON_LISTEN: '[::1]:2', PULSEBEACON_HOST: 'localhost' }, 'http://[::1]:2'],
      ['listen: { port: 1 }', '--host 0.0.0.0', {}, 'http://0.0.0.0:1'],
      ['tls: { cert: c.pem, key: k.pem }', '--tls-dev', {}, 'https://127.0.0.1:8080'],
    ];
    for (const [file, args, env, where] of LISTENS) {
      it(`goes before the file: ${file} ${args}${Object.keys(env).join(' ')}`, async () => {
        await write(file);
        const { code, stdout, stderr } = await run(`config check pulsebeacon.yaml ${args}`.trim(), { env });
        assert.equal(stderr, '');
        assert.equal(stdout.split('\n')[1], `would listen on ${where}`);
        assert.equal(code, 0);
      });
    }
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
      assert.match((await run('config check etc/a.yaml --memory')).stdout, /would keep its data in memory alone/);
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
      assert(!(await show()).includes('pulsebeacon.yaml'));
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
