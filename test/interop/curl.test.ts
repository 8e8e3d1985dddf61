// requires: curl
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Scope } from '../support/cleanup.ts';
import { found } from '../support/environment.ts';
import { Program } from '../support/program.ts';
import { Site } from '../support/site.ts';

const site = await Site.start({ after });
const url = (path: string): string => `http://127.0.0.1:${site.port}${path}`;

const curl = (scope: Scope, ...args: string[]): Program =>
  new Program(scope, found('PULSEBEACON_CURL'), [
    '--silent',
    '--show-error',
    '--no-buffer',
    '--max-time',
    '20',
    ...args,
  ]);

/** Runs curl to its end, and gives what it printed. */
async function output(scope: Scope, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await curl(scope, ...args).exit;
  assert.equal(code, 0, stderr);
  return stdout;
}

const headers = (fields: Readonly<Record<string, string>>): string[] =>
  Object.entries(fields).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);

/** The handshake of RFC 6455 §1.3. */
const HANDSHAKE = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
};

describe('curl', () => {
  test('a handshake by hand', async (t) => {
    const handshake = curl(t, '--verbose', '--http1.1', ...headers(HANDSHAKE), url('/echo'));
    // What curl knows of a 101 is that the answer is still to come; only --verbose shows its head.
    const [head] = await handshake.printed(/^< HTTP[^]*?\n< \r?\n/m);
    assert.match(head, /^< HTTP\/1\.1 101 Switching Protocols\r?\n/);
    assert.match(head, /\n< Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r?\n/);
    assert.match(head, /\n< Upgrade: websocket\r?\n/);
    assert.match(head, /\n< Connection: Upgrade\r?\n/);
    // The connection is open, and its end is noticed.
    await handshake.stop();
    assert.deepEqual(await site.ended('/echo'), { code: 1006, reason: '', wasClean: false });
  });

  test('a refusal: the whole answer, and the end of the connection', async (t) => {
    const answer = await output(
      t,
      '--include',
      ...headers({ ...HANDSHAKE, 'Sec-WebSocket-Version': '8' }),
      url('/echo'),
    );
    assert.match(answer, /^HTTP\/1\.1 426 Upgrade Required\r\n/);
    assert.match(answer, /\r\nSec-WebSocket-Version: 13\r\n/);
    assert.match(answer, /\r\nContent-Type: application\/problem\+json\r\n/);
    const problem = JSON.parse(answer.split('\r\n\r\n')[1]!);
    assert.deepEqual([problem.status, problem.code], [426, 'PB_HANDSHAKE_VERSION_UNSUPPORTED']);
  });

  test('a page at the address of a WebSocket: 426 for GET, 405 for POST', async (t) => {
    const status = ['--output', '/dev/null', '--write-out', '%{http_code}'];
    assert.equal(await output(t, ...status, url('/echo')), '426');
    assert.equal(await output(t, ...status, '--head', url('/echo')), '426');
    assert.equal(await output(t, ...status, '--data', 'hello', url('/echo')), '405');
  });

  test('--http2, which asks for an upgrade to h2c: served as HTTP/1.1, body included', async (t) => {
    const plain = JSON.parse(await output(t, '--http2', url('/page')));
    assert.deepEqual(plain, { method: 'GET', path: '/page', httpVersion: '1.1', body: '' });
    for (const body of ['hello', 'x'.repeat(100_000)]) {
      const posted = JSON.parse(await output(t, '--http2', '--data-raw', body, url('/body')));
      assert.deepEqual(posted, { method: 'POST', path: '/body', httpVersion: '1.1', body });
    }
    // Two requests, and one connection: it is an ordinary one again.
    const both = await output(t, '--http2', '--write-out', ' %{num_connects}\n', url('/1'), url('/2'));
    assert.deepEqual(
      both
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(-1)),
      ['1', '0'],
    );
  });
});
