// The command line: help, versions, and one clear sentence for what is wrong.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Program, runProgram } from './support/program.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

describe('pulsebeacon', () => {
  for (const args of [[], ['--help'], ['-h'], ['help']]) {
    it(`shows its commands: ${args.join(' ') || 'no argument'}`, async () => {
      const { code, stdout, stderr } = await runProgram(args);
      assert.equal(stderr, '');
      assert.match(stdout, /^Usage: pulsebeacon \[options\] \[command\]\n[^]*\n {2}serve \[options\] /);
      assert.equal(code, 0);
    });
  }

  it('says its version', async () => {
    const { code, stdout } = await runProgram(['--version']);
    assert.equal(stdout, `${version}\n`);
    assert.equal(code, 0);
  });

  for (const args of [
    ['serve', '--help'],
    ['help', 'serve'],
  ]) {
    it(`names every option of serve with its default: ${args.join(' ')}`, async () => {
      const { code, stdout } = await runProgram(args);
      assert.equal(code, 0);
      const expected: Record<string, string> = {
        '--port <number>': 'default 8080',
        '--host <host>': 'default 127.0.0.1',
        '--listen <address>': 'unix:/run/pulsebeacon.sock',
        '--tls-cert <file>': 'PEM',
        '--tls-key <file>': 'PEM',
        '--tls-dev': 'localhost',
        '--static <folder>': '/-/',
        '--data <folder>': 'default ./data',
        '--memory': 'nothing survives',
        '--fsync <when>': 'default grouped',
        '--anonymous': 'without a key',
        '--heartbeat <duration>': 'default 3s',
        '--poll-timeout <duration>': 'default 25s',
        '--max-channels-per-client <number>': 'default 128',
        '--auth-failure-rate <number>': 'default 10',
        '--config <file>': 'pulsebeacon.yaml',
        '--no-config': 'read no file',
        '--compression': 'permessage-deflate',
        '--public-url <url>': 'repeatable',
        '--allow-origin <origin>': 'repeatable',
        '--max-message-size <size>': 'default 64KiB',
        '--message-rate <number>': 'default 50',
        '--message-burst <number>': 'default 100',
        '--max-connections <number>': 'default 15000',
        '--max-connections-per-ip <number>': 'default 100',
        '--handshake-rate <number>': 'default 500',
        '--header-timeout <duration>': 'default 10s',
        '--request-timeout <duration>': 'default 30s',
        '--drain-timeout <duration>': 'default 30s',
        '--log-level <level>': 'default info',
        '--log-format <format>': 'default auto',
      };
      // Each begins a line, at two spaces; its text goes on below.
      const found = stdout.split(/\n {2}(?=(?:-\w, )?--)/).map((entry) => entry.replaceAll(/\s+/g, ' '));
      for (const [flags, about] of Object.entries(expected)) {
        const part = found.find(
          (candidate) => /^(-\w, )?/.exec(candidate)![0].length === candidate.indexOf(`${flags} `),
        );
        assert(part?.includes(about), `${flags}: ${part}`);
      }
      assert.match(stdout, /--max-connections is PULSEBEACON_MAX_CONNECTIONS/);
    });
  }
});

describe('a value that cannot be', () => {
  const CASES: readonly (readonly [string[], RegExp])[] = [
    [['srve'], /unknown command 'srve' \(Did you mean serve\?\)$/],
    [['zzz'], /unknown command 'zzz'; --help lists the commands$/],
    [['serve', '--prot', '1'], /unknown option '--prot' \(Did you mean --port\?\)$/],
    [['serve', 'here'], /too many arguments/],
    [['serve', '--port', 'http'], /--port <number>' argument 'http' is invalid\. A port is a number from 0 to 65535/],
    [['serve', '--port', '65536'], /A port is a number from 0 to 65535/],
    [['serve', '--port', '-1'], /A port is a number from 0 to 65535/],
    [['serve', '--host', ''], /Give an address or a name of this machine, such as 127\.0\.0\.1\.$/],
    [['serve', '--listen', '::1'], /An IPv6 address stands in brackets: \[::1\]:8080/],
    [['serve', '--listen', 'unix:'], /the path of the socket/],
    [['serve', '--listen', 'localhost'], /It lacks a port/],
    [['serve', '--listen', '8080', '--port', '8081'], /give either, not both$/],
    [
      ['serve', '--listen', 'https://127.0.0.1:0'],
      /an https:\/\/ listener needs --tls-cert and --tls-key, or --tls-dev$/,
    ],
    [['serve', '--tls-cert', 'c.pem'], /--tls-cert needs its key, too: --tls-key FILE$/],
    [['serve', '--tls-key', 'k.pem'], /--tls-key needs its certificate, too: --tls-cert FILE$/],
    [['serve', '--tls-dev', '--tls-cert', 'c.pem'], /--tls-dev makes a certificate of its own/],
    [['serve', '--static', '/does/not/exist'], /There is no such folder/],
    [['serve', '--static', process.execPath], /It is a file/],
    [['serve', '--public-url', 'example.com'], /A public URL begins with http:\/\/ or https:\/\//],
    [
      ['serve', '--public-url', 'https://user@example.com'],
      /a public URL begins with http:\/\/ or https:\/\/ and a host/,
    ],
    [['serve', '--allow-origin', 'https://example.com/'], /An origin is a scheme, a host and at most a port/],
    [['serve', '--allow-origin', 'example.com'], /An origin is a scheme, a host and at most a port/],
    [['serve', '--max-message-size', '1 parsec'], /Give a size such as 65536, 64KiB or 1MiB/],
    [['serve', '--message-rate', '0'], /Give a whole number from 1 up, or off for no limit/],
    [['serve', '--message-burst', 'off'], /Give a whole number from 1 up/],
    [['serve', '--header-timeout', '0'], /A deadline of zero would let nothing through/],
    [['serve', '--drain-timeout', 'soon'], /Give a duration such as 500ms, 10s or 2min/],
    [['serve', '--log-level', 'loud'], /Allowed choices are silent, fatal, error, warn, info, debug, trace/],
  ];
  for (const [args, says] of CASES) {
    it(`ends with one sentence and code 2: ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await runProgram(args);
      assert.match(stderr.trimEnd(), says);
      assert.match(stderr, /^pulsebeacon: [^\n]+\n$/);
      assert.equal(stdout, '');
      assert.equal(code, 2);
    });
  }
});

describe('the environment', () => {
  it('sets options', async () => {
    const program = await Program.start(['--log-format', 'json'], {
      env: {
        PULSEBEACON_MAX_MESSAGE_SIZE: '2KiB',
        PULSEBEACON_MESSAGE_RATE: 'off',
        PULSEBEACON_PUBLIC_URL: 'http://a.test,http://b.test',
      },
    });
    const { limits } = program.find(({ limits: found }) => found !== undefined) as unknown as {
      limits: { maxMessageSize: number; messageRate: number | null };
    };
    const urls = program.lines.filter(({ msg }) => msg.startsWith('public ')).map(({ msg }) => msg.split(/\s+/)[1]);
    await program.stop();
    assert.equal(limits.maxMessageSize, 2048);
    // Infinity, in JSON.
    assert.equal(limits.messageRate, null);
    assert.deepEqual(urls, ['http://a.test', 'http://b.test']);
  });

  it('says where a wrong value comes from', async () => {
    const { code, stderr } = await runProgram(['serve'], { env: { PULSEBEACON_PORT: 'http' } });
    assert.match(stderr, /'http' from env 'PULSEBEACON_PORT' is invalid\. A port is a number/);
    assert.equal(code, 2);
  });

  it('is overruled by the command line', async () => {
    const program = await Program.start(['--port', '0'], {
      env: { PULSEBEACON_PORT: '1', PULSEBEACON_LISTEN: '127.0.0.1:1' },
    });
    const { port } = program;
    await program.stop();
    assert.notEqual(port, 1);
  });

  it('says no to a switch, and nothing where it is empty', async () => {
    const program = await Program.start([], { env: { PULSEBEACON_TLS_DEV: 'false', PULSEBEACON_TLS_CERT: '' } });
    const [listener] = program.listeners;
    await program.stop();
    assert.equal(listener!.tls, false);
  });
});
