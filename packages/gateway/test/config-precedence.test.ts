// What holds: the command line before the environment, that before the file, and that before the defaults.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Command } from 'commander';
import { addServeOptions, readServeSettings, toSettings } from '#dist/commands/serve-options.js';
import type { Effective } from '#dist/config/effective.js';
import { LISTEN_TARGET } from '#dist/config/kinds.js';
import { showEffective } from '#dist/config/write.js';
import type { GatewaySettings } from '#dist/settings.js';

describe('what holds', () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-precedence-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function read(text: string, args: string, env: Record<string, string> = {}): Promise<Effective> {
    const file = path.join(folder, 'a.yaml');
    await writeFile(file, text);
    Object.assign(process.env, env);
    try {
      const serve = new Command('serve').exitOverride();
      addServeOptions(serve);
      serve.parse(args.split(' ').filter(Boolean), { from: 'user' });
      return await readServeSettings(serve, file);
    } finally {
      for (const name of Object.keys(env)) delete process.env[name];
    }
  }

  const settle = async (...parts: Parameters<typeof read>): Promise<GatewaySettings> =>
    toSettings(await read(...parts));

  async function show(...parts: Parameters<typeof read>): Promise<string> {
    const effective = await read(...parts);
    return showEffective(effective, await toSettings(effective)).replaceAll(`${folder}${path.sep}`, '');
  }

  it('is said with where it comes from', async () => {
    const text = await show(
      'limits:\n  messageRate: 1\n  messageBurst: 2\n  maxConnections: 3\n',
      '--message-rate 10',
      { PULSEBEACON_MESSAGE_RATE: '20', PULSEBEACON_MESSAGE_BURST: '21' },
    );
    assert.match(text, /^ {2}messageRate: 10 # --message-rate$/m);
    assert.match(text, /^ {2}messageBurst: 21 # PULSEBEACON_MESSAGE_BURST$/m);
    assert.match(text, /^ {2}maxConnections: 3 # a\.yaml:4:19$/m);
    assert.match(text, /^ {2}handshakeRate: 500 # default$/m);
    assert.match(text, /^ {2}# addresses: not set; host and port without it$/m);
  });

  it('is one list or the other, and a switch that is off where it was turned off last', async () => {
    const text = await show(
      'access: { publicUrls: [https://a.test] }\ncontent: { compression: true }\nstore: { memory: true }\n',
      '--public-url https://b.test --no-compression',
      { PULSEBEACON_MEMORY: 'no' },
    );
    assert.match(text, /^ {2}publicUrls: \[https:\/\/b\.test\] # --public-url$/m);
    assert.match(text, /^ {2}compression: false # --no-compression$/m);
    assert.match(text, /^ {2}memory: false # PULSEBEACON_MEMORY$/m);
  });

  for (const [text, value] of [
    ['1', true],
    ['Yes', true],
    ['off', false],
    ['0', false],
    ['', false],
  ] as const) {
    it(`is ${value} for a switch that the environment sets to ${JSON.stringify(text)}`, async () => {
      assert.equal((await settle('', '', { PULSEBEACON_ANONYMOUS: text })).anonymous, value);
    });
  }

  it('is no switch that is neither on nor off', () =>
    assert.rejects(
      settle('', '', { PULSEBEACON_ANONYMOUS: 'nope' }),
      /^Failure: PULSEBEACON_ANONYMOUS is "nope": give true or false$/,
    ));

  it('shows namespaces to the last default, and no hash', async () => {
    const hash = 'ab'.repeat(32);
    const text = await show(
      `namespaces:\n  - match: "chat:*"\n    history: { size: 5 }\nkeys:\n  - { id: abcdefgh, hash: "sha256:${hash}", rights: [admin], channels: ["*"] }\n`,
      '',
    );
    assert.match(
      text,
      / {2}- match: chat:\* # a\.yaml:2:12\n {4}history:\n {6}size: 5 # a\.yaml:3:22\n {6}age: 5min # default\n/,
    );
    assert.match(text, / {4}maxMessageSize: 64KiB # limits\.maxMessageSize\n/);
    assert.match(text, / {2}- match: "\*" # default\n/);
    assert.match(text, / {2}- id: abcdefgh # .*\n {4}hash: '\(not shown\)' # /);
    assert(!text.includes(hash));
  });

  it('can be shown, and read again', async () => {
    const listens = 'listen: { addresses: ["unix:/run/x.sock", "[::1]:80"] }\n';
    const first = await show(`limits: { messageRate: off, headerTimeout: 1500ms }\n${listens}`, '');
    const second = await show(first.replace(/^ {2}(port|host): .*\n/gm, ''), '');
    const values = (text: string): string => text.replaceAll(/ #.*$/gm, '');
    assert.equal(values(second), values(first));
  });

  describe('of the places to listen at', () => {
    const CASES: readonly (readonly [file: string, args: string, env: Record<string, string>, where: string])[] = [
      ['listen: { addresses: [1, 2] }', '', {}, '127.0.0.1:1 127.0.0.1:2'],
      ['listen: { addresses: [1, 2] }', '--port 3', {}, '127.0.0.1:3'],
      ['listen: { addresses: [1, 2] }', '', { PULSEBEACON_PORT: '3' }, '127.0.0.1:3'],
      ['listen: { addresses: [] }', '', {}, '127.0.0.1:8080'],
      ['listen: { port: 1 }', '--listen unix:/run/x.sock', {}, 'unix:/run/x.sock'],
      ['listen: { port: 1 }', '', { PULSEBEACON_LISTEN: '[::1]:2', PULSEBEACON_HOST: 'localhost' }, '[::1]:2'],
      ['listen: { port: 1 }', '--host 0.0.0.0', {}, '0.0.0.0:1'],
    ];
    for (const [file, args, env, where] of CASES) {
      it(`${file} ${args}${Object.keys(env).join(' ')}`, async () => {
        const { targets } = await settle(file, args, env);
        assert.equal(targets.map((target) => LISTEN_TARGET.show(target as never)).join(' '), where);
      });
    }
  });

  describe('of certificates', () => {
    it('is what is typed', async () => {
      const { certificate } = await settle('tls: { cert: c.pem, key: k.pem }', '--tls-dev');
      assert.match(certificate!.description, /made for this run/);
    });

    it('is not two at once', () =>
      assert.rejects(settle('', '--tls-dev --tls-cert c.pem'), /^Failure: --tls-dev makes a certificate of its own/));

    it('is not half of one', () =>
      assert.rejects(settle('tls:\n  cert: c.pem\n', ''), /tls\.cert \(.*a\.yaml:2:9\) needs its key, too/));
  });

  it('is no namespace whose messages the limit does not let through', () =>
    assert.rejects(
      settle('namespaces:\n  - match: a\n    maxMessageSize: 2KiB\n', '--max-message-size 1KiB'),
      /a\.yaml:3:21: .* above the 1024 bytes of limits\.maxMessageSize \(--max-message-size\)/,
    ));

  it('is what the file says of everything else', async () => {
    const { store, anonymous, heartbeat, pollTimeout, keys, namespaces, limits } = await settle(
      `store: { data: d, fsync: off }
access: { anonymous: true }
transports: { heartbeat: 500ms, pollTimeout: 10 }
limits: { maxChannelsPerClient: 5, authFailureRate: off }
namespaces: [{ match: "*", presence: true }]
keys: [{ id: abcdefgh, hash: "sha256:${'0'.repeat(64)}", rights: [publish], channels: ["a"], comment: c }]`,
      '',
    );
    assert.deepEqual(store, { folder: path.join(folder, 'd'), fsync: 'off' });
    assert.deepEqual([anonymous, heartbeat, pollTimeout], [true, 500, 10_000]);
    assert.deepEqual([limits.maxChannelsPerClient, limits.authFailureRate], [5, Infinity]);
    assert.equal(namespaces.length, 1);
    const hash = `sha256:${'0'.repeat(64)}`;
    assert.deepEqual(keys, [{ id: 'abcdefgh', hash, rights: ['publish'], channels: ['a'], comment: 'c' }]);
  });
});
