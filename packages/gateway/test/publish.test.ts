// pulsebeacon publish: what is published, how often it is tried, and what it ends with.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { parsePayloadType, type Publication } from '@pulsebeacon/wire';
import { publishing, serveStatus, TestHub } from './support/channels.ts';
import { folderFor, serveRaw } from './support/connect.ts';
import { type Outcome, Program, runProgram } from './support/program.ts';

const LINES = { from: 'lines', inFlight: 1 } as const;
const JSON_PAYLOAD = parsePayloadType('application/json');

function publish(
  port: number,
  args: readonly string[],
  input?: string,
  env?: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const options = { ...(input === undefined ? {} : { input }), ...(env === undefined ? {} : { env }) };
  return runProgram(['publish', '--server', `:${port}`, ...args], options);
}

describe('what is published', { concurrency: 2 }, () => {
  let server: TestHub;
  before(async () => {
    server = await TestHub.start();
  });
  after(() => server.stop());

  const kept = async (channel: string): Promise<readonly Publication[]> =>
    (await server.hub.history(channel, { since: 'all' })).publications;

  it('an argument is text, and its position is printed', async () => {
    const { code, stdout, stderr } = await publish(server.port, ['argument', 'grüße']);
    assert.match(stdout, /^[\w-]+\.\d+\n$/);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const [publication] = await kept('argument');
    assert.equal(publication!.data, 'grüße');
    assert.equal(publication!.kind, 'text');
  });

  it('standard input is published whole', async () => {
    await publish(server.port, ['input', '-'], 'two\nlines\n');
    await publish(server.port, ['input'], '');
    assert.deepEqual(
      (await kept('input')).map(({ data }) => data),
      ['two\nlines\n', ''],
    );
  });

  it('a file is what its content type says; its key and its idempotency key go with it', async (t) => {
    const file = path.join(folderFor(t), 'picture');
    writeFileSync(file, Uint8Array.of(0x89, 0xff));
    const args = [
      'file',
      '--file',
      file,
      '--content-type',
      'image/png',
      '--state-key',
      'cam/ü',
      '--idempotency-key',
      'k1',
    ];
    const first = await publish(server.port, args);
    const again = await publish(server.port, args);
    assert.equal(again.stdout, first.stdout);
    assert.match(again.stderr, /it had been published before/);
    const publications = await kept('file');
    assert.equal(publications.length, 1);
    const { kind, contentType, key, data } = publications[0]!;
    assert.deepEqual({ kind, contentType, key }, { kind: 'binary', contentType: 'image/png', key: 'cam/ü' });
    assert.deepEqual(Buffer.from(data as Uint8Array), Buffer.of(0x89, 0xff));
  });

  it('JSON is published as it is, and checked before', async () => {
    await publish(server.port, ['json', '--json', '{"id": 12345678901234567890}']);
    const wrong = await publish(server.port, ['json', '--json', '{"id":']);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^pulsebeacon: the payload is not JSON/);
    const publications = await kept('json');
    assert.deepEqual(
      publications.map(({ data }) => data),
      ['{"id": 12345678901234567890}'],
    );
    assert.equal(publications[0]!.contentType, 'application/json');
  });

  it('each line is a publication, in order; a run that is repeated publishes nothing twice', async () => {
    const numbers = Array.from({ length: 300 }, (_, i) => String(i));
    const input = numbers.join('\n');
    const options = { channel: 'lines', source: LINES, idempotencyKey: 'import' };
    const first = await publishing(server.port, options, input);
    assert.match(first.stderr, /^300 published in \d+\.\d s, [\d,]+ a second\n$/);
    assert.match(first.stdout, /^[\w-]+\.\d+\n$/);
    const again = await publishing(server.port, options, input);
    assert.match(again.stderr, /^300 published, 300 of them before/);
    assert.deepEqual(
      (await kept('lines')).map(({ data }) => data),
      numbers,
    );
  });

  it('several lines at once, where their order does not matter', async () => {
    const numbers = Array.from({ length: 200 }, (_, i) => String(i));
    await publishing(server.port, { channel: 'many', source: { from: 'lines', inFlight: 16 } }, numbers.join('\n'));
    const data = (await kept('many')).map((publication) => publication.data as string);
    assert.deepEqual(
      data.toSorted((a, b) => Number(a) - Number(b)),
      numbers,
    );
  });

  it('a line that is not JSON ends it, and is named', async () => {
    const { code, stderr } = await publishing(
      server.port,
      { channel: 'half', source: LINES, type: JSON_PAYLOAD },
      '1\n2\nthree\n4\n',
    );
    assert.match(stderr, /^2 published in .*\npulsebeacon: line 3: the payload is not JSON/);
    assert.equal(code, 1);
    assert.deepEqual(
      (await kept('half')).map(({ data }) => data),
      ['1', '2'],
    );
  });

  it('--reach says how many it reached; --quiet says nothing', async () => {
    const unsubscribe = await server.hub.channel('reach').subscribe(() => {});
    const { stderr } = await publishing(server.port, { channel: 'reach', reach: true });
    assert.match(stderr, /^reached \d+\n$/);
    await unsubscribe();
    const quiet = await publishing(server.port, { channel: 'reach', reach: true, quiet: true });
    assert.equal(quiet.stdout + quiet.stderr, '');
  });

  it('a key comes from the environment, and what is refused says why', async () => {
    const allowed = await publish(server.port, ['private', 'x'], undefined, { PULSEBEACON_KEY: 'secret' });
    assert.equal(allowed.code, 0);
    const without = await publishing(server.port, { channel: 'private' });
    assert.equal(without.code, 4);
    assert.match(
      without.stderr,
      /^pulsebeacon: credentials are needed to publish in private \(401, PB_UNAUTHENTICATED\)\nhint: --api-key KEY/,
    );
    const reader = await publishing(server.port, { channel: 'private', key: 'reader' });
    assert.match(reader.stderr, /^pulsebeacon: reader may not publish in private \(403, PB_FORBIDDEN\)/);
    const large = await publishing(server.port, { channel: 'large' }, 'x'.repeat(2 ** 20 + 1));
    assert.match(large.stderr, /^pulsebeacon: .*\(413, PB_PAYLOAD_TOO_LARGE\)/);
  });

  it('what cannot be is a matter of the command line: exit code 2', async () => {
    const wrong: readonly (readonly [string[], RegExp])[] = [
      [['a/b', 'x'], /no name of a channel/],
      [['news', 'x', '--lines'], /both say what is published/],
      [['news', 'x', '--json', '--content-type', 'text/plain'], /give either/],
      [['news', 'x', '--content-type', 'nonsense'], /Content-Type is "nonsense"/],
      [['news', 'x', '--in-flight', '2'], /--in-flight is about --lines/],
      [['news', 'x', '--idempotency-key', 'a b'], /printable ASCII/],
      [['news', 'x', '--server', 'ftp://example.com'], /begins with http/],
    ];
    const outcomes = await Promise.all(wrong.map(([args]) => publish(server.port, args)));
    for (const [i, { code, stderr }] of outcomes.entries()) {
      assert.equal(code, 2, stderr);
      assert.match(stderr, wrong[i]![1]);
    }
  });
});

describe('over TLS', () => {
  it('to a certificate that is trusted, or to any with --insecure', async () => {
    const program = await Program.start(['--tls-dev', '--memory']);
    try {
      const to = ['publish', 'news', 'hello', '--server', `https://127.0.0.1:${program.port}`];
      const trusting = await runProgram([...to, '--insecure']);
      assert.equal(trusting.code, 0, trusting.stderr);
      const careful = await runProgram(to);
      assert.equal(careful.code, 3);
      assert.match(careful.stderr, /^pulsebeacon: no TLS connection to [^\n]*\nhint: --ca FILE/);
      const follow = [
        'subscribe',
        'news',
        '--server',
        `wss://127.0.0.1:${program.port}`,
        '--since',
        'all',
        '--count',
        '1',
      ];
      assert.equal((await runProgram([...follow, '--insecure'])).stdout, 'hello\n');
      const refused = await runProgram(follow);
      assert.equal(refused.code, 3);
      assert.match(refused.stderr, /hint: --ca FILE/);
      // Without TLS, nothing comes back that could say so.
      const plain = `http://127.0.0.1:${program.port}`;
      for (const command of [
        ['publish', 'news', 'x', '--server', plain, '--retry-for', '0s'],
        ['subscribe', 'news', '--server', plain, '--retry-for', '0s'],
        ['subscribe', 'news', '--transport', 'sse', '--server', plain, '--retry-for', '0s'],
        ['connect', `${plain}/echo`],
      ]) {
        const { code, stderr } = await runProgram(command);
        assert.ok(code !== 0, stderr);
        assert.match(stderr, /hint: where the server speaks TLS, it is (?:--server https|wss):\/\/127\.0\.0\.1:\d+/);
      }
    } finally {
      await program.stop();
    }
  });
});

describe('what does not work at once', { concurrency: 2 }, () => {
  const POSITION = '{"channel":"news","position":"e.7","duplicate":false}';

  /** A server that treats each attempt in turn as it is told, and the last way from then on. @returns the idempotency keys that it saw */
  async function serveAttempts(
    t: TestContext,
    ...answers: readonly (string | 'cut')[]
  ): Promise<readonly [port: number, keys: string[]]> {
    const keys: string[] = [];
    const where = await serveRaw(t, (socket, head) => {
      keys.push(/^idempotency-key: (\S+)/im.exec(head)![1]!);
      const answer = answers[Math.min(keys.length, answers.length) - 1]!;
      if (answer === 'cut') socket.resetAndDestroy();
      else socket.end(`HTTP/1.1 ${answer}`);
    });
    return [Number(where.split(':')[1]), keys];
  }

  const created = `201 Created\r\nContent-Type: application/json\r\nContent-Length: ${POSITION.length}\r\nConnection: close\r\n\r\n${POSITION}`;
  const busy = '503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n';

  it('a connection that breaks, a server that is busy: tried again with the same idempotency key', async (t) => {
    const [port, keys] = await serveAttempts(t, 'cut', busy, created);
    const { code, stdout, stderr } = await publishing(port);
    assert.equal(stdout, 'e.7\n');
    assert.equal(code, 0);
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
    assert.match(stderr, /answered 503 Busy; trying again in [12]\.\d s/);
  });

  it('not for longer than --retry-for', async (t) => {
    const [port, keys] = await serveAttempts(
      t,
      '429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n',
    );
    const { code } = await publishing(port, { retryFor: 10_000 });
    assert.equal(code, 8);
    assert.equal(keys.length, 1);
    const [broken] = await serveAttempts(t, 'cut');
    assert.equal((await publishing(broken, { retryFor: 0 })).code, 7);
  });

  it('nobody listens: exit code 3; no host of that name: at once', async () => {
    assert.equal((await publishing(1, { retryFor: 0 })).code, 3);
    const { code, stderr } = await publish(1, ['news', 'x', '--server', 'http://nowhere.invalid']);
    assert.match(stderr, /cannot reach nowhere\.invalid/);
    assert.equal(code, 3);
  });

  it('what answers is no server of channels: exit codes 4 and 5', async (t) => {
    const page = await serveStatus(t, '200 OK');
    assert.equal((await publishing(page)).code, 5);
    const missing = await publishing(await serveStatus(t, '404 Not Found'));
    assert.equal(missing.code, 4);
    assert.match(missing.stderr, /hint: --server names the server/);
    const moved = await publishing(await serveStatus(t, '307 Moved', 'Location: https://example.com/'));
    assert.match(moved.stderr, /hint: it points to https:\/\/example\.com\//);
    const silent = await serveRaw(t, (socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    assert.equal((await publishing(Number(silent.split(':')[1]))).code, 5);
  });
});
