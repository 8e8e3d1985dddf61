// pulsebeacon connect: what goes in and comes out, where no terminal is.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { type OpeningRequest, Refusal } from '@pulsebeacon/websocket';
import { makeDevCertificate } from '#dist/tls.js';
import { ECHO, events, folderFor, runConnect, Running, serve } from './support/connect.ts';

const BLOB = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);

describe('messages', () => {
  it('are sent by --execute, and the answers printed as they are', async (t) => {
    const where = await serve(t, ECHO);
    const { code, stdout, stderr } = await runConnect([where, '-x', 'hello', '-x', 'a, b', '-n', '2']);
    assert.equal(stdout, 'hello\na, b\n');
    assert.equal(stderr, '');
    assert.equal(code, 0);
  });

  it('are the lines of standard input, whatever ends them', async (t) => {
    const where = await serve(t, ECHO);
    const { code, stdout } = await runConnect([where, '-n', '5'], { input: '/one\r\n\n  two\n\tthree\nfour' });
    assert.equal(stdout, '/one\n\n  two\n\tthree\nfour\n');
    assert.equal(code, 0);
  });

  it('are not changed on their way into a pipe', async (t) => {
    const text = '\u001b[31mred\u001b[0m \u202e\r\ntwo';
    const where = await serve(t, { open: (connection) => void connection.send(text) });
    const { stdout } = await runConnect([where, '-n', '1', '--wait', '-1']);
    assert.equal(stdout, `${text}\n`);
  });

  it('come with a time where that is asked for', async (t) => {
    const where = await serve(t, ECHO);
    const before = Date.now();
    const { stdout } = await runConnect([where, '-x', 'hello', '-n', '1', '--timestamps']);
    const [time, text] = stdout.trimEnd().split(' ');
    assert.equal(text, 'hello');
    const at = Date.parse(time!);
    assert.ok(at >= before && at <= Date.now(), time);
  });

  it('leave standard input alone where --execute has one', async (t) => {
    const where = await serve(t, ECHO);
    const running = Running.start(t, [where, '-x', 'hello', '-n', '1']);
    const { stdout } = await running.ended;
    assert.equal(stdout, 'hello\n');
  });

  it('are waited for after the last one was sent, and those that come while it closes are printed', async (t) => {
    const where = await serve(t, {
      close() {},
      message(connection, data) {
        connection.send(`first ${String(data)}`);
      },
    });
    const { code, stdout } = await runConnect([where, '-x', 'hello', '--wait', '0']);
    assert.equal(stdout, 'first hello\n');
    assert.equal(code, 0);
  });

  it('are waited for until the server closes with --wait -1', async (t) => {
    const where = await serve(t, {
      message(connection, data) {
        connection.send(data as string);
        connection.close(1000, 'done');
      },
    });
    const { code, stdout, stderr } = await runConnect([where, '--wait', '-1'], { input: 'hello\n' });
    assert.equal(stdout, 'hello\n');
    assert.equal(stderr, '');
    assert.equal(code, 0);
  });

  it('are compressed where the server agrees', async (t) => {
    const where = await serve(t, { ...ECHO, compression: true });
    const { stdout } = await runConnect([where, '--json', '--compression', '-x', 'hello '.repeat(1000), '-n', '1']);
    const [open, message] = events(stdout);
    assert.match(String(open!['extensions']), /^permessage-deflate/);
    assert.equal(message!['data'], 'hello '.repeat(1000));
  });
});

describe('binary messages', () => {
  it('are shown as a dump', async (t) => {
    const where = await serve(t, { open: (connection) => void connection.send(BLOB.subarray(60, 90)) });
    const { stdout } = await runConnect([where, '-n', '1', '-w', '-1']);
    assert.deepEqual(stdout.split('\n'), [
      'binary, 30 bytes',
      '00000000  3c 3d 3e 3f 40 41 42 43  44 45 46 47 48 49 4a 4b  |<=>?@ABCDEFGHIJK|',
      '00000010  4c 4d 4e 4f 50 51 52 53  54 55 56 57 58 59        |LMNOPQRSTUVWXY|',
      '',
    ]);
  });

  it('are written to a file, one after the other', async (t) => {
    const where = await serve(t, ECHO);
    const file = path.join(folderFor(t), 'messages.bin');
    writeFileSync(file, 'what was there before, and is longer than what comes');
    const { code, stdout } = await runConnect([where, '--hex', '-x', '00 ff', '-x', '41', '-n', '2', '-o', file]);
    assert.deepEqual(readFileSync(file), Buffer.from([0, 0xff, 0x41]));
    assert.equal(stdout, '');
    assert.equal(code, 0);
  });

  it('are written to files of their own in a folder, beside those that are there', async (t) => {
    const where = await serve(t, ECHO);
    const folder = folderFor(t);
    const mine = path.join(folder, 'message-000002.bin');
    writeFileSync(mine, 'mine');
    const args = [where, '-b', '-x', 'one', '-x', 'two', '-n', '2', '--json', '-o', folder];
    const { stdout } = await runConnect(args);
    const files = ['message-000001.bin', 'message-000003.bin'].map((name) => path.join(folder, name));
    assert.deepEqual(
      files.map((file) => readFileSync(file, 'utf8')),
      ['one', 'two'],
    );
    assert.equal(readFileSync(mine, 'utf8'), 'mine');
    assert.equal(readdirSync(folder).length, 3);
    assert.deepEqual(
      events(stdout).filter(({ type }) => type === 'message'),
      files.map((file) => ({ type: 'message', kind: 'binary', file, bytes: 3 })),
    );
  });

  it('go to standard output as they are with --output -', async (t) => {
    const where = await serve(t, ECHO);
    const running = Running.start(t, [where, '--hex', '-x', '00 ff 0a', '-x', '41', '-n', '2', '-o', '-']);
    running.child.stdout!.setEncoding('latin1');
    assert.equal((await running.ended).stdout, '\u0000\u00ff\nA');
  });

  it('are what files, --binary and --hex send', async (t) => {
    const folder = folderFor(t);
    const file = path.join(folder, 'blob');
    writeFileSync(file, BLOB);
    const kinds: string[] = [];
    const where = await serve(t, {
      message(connection, data, kind) {
        kinds.push(kind);
        connection.send(data as Uint8Array);
      },
    });
    const { stdout } = await runConnect([where, '--json', '--file', file, '-x', 'text', '-n', '2']);
    const data = events(stdout).flatMap((event) => (event['type'] === 'message' ? [event['data']] : []));
    assert.deepEqual(data, ['text', Buffer.from(BLOB).toString('base64')]);
    await runConnect([where, '--binary', '-n', '1'], { input: new Uint8Array([0xff, 0x0a]) });
    await runConnect([where, '--hex', '-n', '1'], { input: '0x00 0xff\n' });
    assert.deepEqual(kinds, ['text', 'binary', 'binary', 'binary']);
  });
});

describe('--json', () => {
  it('has a line for everything that happens', async (t) => {
    const where = await serve(t, {
      subprotocols: ['chat'],
      open(connection) {
        connection.ping('are you there?');
        connection.ping(new Uint8Array([0xff]));
        connection.send('hello');
        connection.send(new Uint8Array([1, 2, 3]));
        connection.close(4001, 'gone');
      },
    });
    const { code, stdout, stderr } = await runConnect([where, '--json', '-s', 'other', '-s', 'chat', '-w', '-1']);
    assert.deepEqual(events(stdout), [
      { type: 'open', url: `ws://${where}/`, protocol: 'chat', extensions: '' },
      { type: 'ping', kind: 'text', data: 'are you there?' },
      { type: 'ping', kind: 'binary', data: '/w==' },
      { type: 'message', kind: 'text', data: 'hello' },
      { type: 'message', kind: 'binary', data: 'AQID' },
      { type: 'close', code: 4001, reason: 'gone', wasClean: true },
    ]);
    assert.equal(stderr, '');
    assert.equal(code, 6);
  });

  it('has the answers to pings', async (t) => {
    const where = await serve(t);
    const running = Running.start(t, [where, '--json', '--ping-interval', '1ms', '--wait', '-1']);
    while (!running.stdout.includes('"pong"')) await once(running.child.stdout!, 'data');
    assert.deepEqual(events(running.stdout)[1], { type: 'pong', kind: 'text', data: '' });
    running.child.kill('SIGINT');
    await running.ended;
  });

  it('has errors with code and status, and nothing beside them', async (t) => {
    const where = await serve(t, { authorize: () => new Refusal(403, { detail: 'not you' }) });
    const { code, stdout, stderr } = await runConnect([where, '--json']);
    const [{ message, ...error }] = events(stdout) as [Record<string, string>];
    assert.deepEqual(error, { type: 'error', code: 'PB_ANSWER_STATUS', status: 403 });
    assert.match(message!, /403 Forbidden/);
    assert.equal(stderr, '');
    assert.equal(code, 4);
  });
});

describe('the handshake', () => {
  const asked = async (t: Parameters<typeof serve>[0], args: string[], env = {}): Promise<OpeningRequest> => {
    const requests: OpeningRequest[] = [];
    const where = await serve(t, {
      allowedOrigins: '*',
      open(connection, request) {
        requests.push(request);
        connection.close();
      },
    });
    const [url, ...more] = args;
    const { code, stderr } = await runConnect([url!.replace('HERE', where), ...more, '-w', '-1'], { env });
    assert.equal(stderr, '');
    assert.equal(code, 0);
    return requests[0]!;
  };

  it('has headers, origin and subprotocols', async (t) => {
    const {
      headers,
      origin,
      subprotocols,
      path: target,
    } = await asked(t, [
      'http://HERE/a/b?c=d',
      '-H',
      'X-One: 1, 2',
      '--header',
      'x-two:  a: b ',
      '--origin',
      'https://example.com',
      '-s',
      'a,b',
      '-s',
      'c',
    ]);
    assert.equal(headers.get('x-one'), '1, 2');
    assert.equal(headers.get('x-two'), 'a: b');
    assert.equal(origin, 'https://example.com');
    assert.deepEqual(subprotocols, ['a', 'b', 'c']);
    assert.equal(target, '/a/b');
  });

  const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
  for (const [args, env, pair] of [
    [['HERE', '-u', 'me:a:b'], {}, 'me:a:b'],
    [['HERE', '--user', 'me'], { PULSEBEACON_PASSWORD: 'sécret' }, 'me:sécret'],
    [['HERE', '--user', 'me:'], { PULSEBEACON_PASSWORD: 'other' }, 'me:'],
    [['ws://me:s%20t@HERE/'], {}, 'me:s t'],
  ] as const) {
    it(`has credentials: ${args.join(' ')} ${Object.keys(env).join()}`, async (t) => {
      const { headers } = await asked(t, [...args], env);
      assert.equal(headers.get('authorization'), basic(pair));
    });
  }

  it('goes over a Unix socket', async (t) => {
    const socket = path.join(folderFor(t), 'socket');
    await serve(t, ECHO, { path: socket });
    const { stdout } = await runConnect(['/echo', '--unix', socket, '-x', 'hello', '-n', '1']);
    assert.equal(stdout, 'hello\n');
  });

  it('goes over TLS, with certificates that are trusted', async (t) => {
    const { cert, key } = await makeDevCertificate();
    const where = await serve(t, ECHO, { tls: { cert, key } });
    const url = `wss://${where.replace('127.0.0.1', 'localhost')}/`;
    const file = path.join(folderFor(t), 'ca.pem');
    writeFileSync(file, cert);
    for (const args of [
      [url, '--ca', file],
      [url, '-k'],
      [`https://${where}`, '--ca', file, '--servername', 'localhost'],
    ]) {
      const { code, stdout, stderr } = await runConnect([...args, '-x', 'hello', '-n', '1']);
      assert.equal(stdout, 'hello\n', stderr);
      assert.equal(code, 0);
    }
    const { code, stdout, stderr } = await runConnect([url, '-x', 'hello', '-n', '1']);
    assert.equal(stdout, '');
    assert.match(stderr, /^pulsebeacon: cannot connect to wss:[^\n]*certificate[^\n]*\nhint: --ca FILE [^\n]*\n$/);
    assert.equal(code, 3);
  });

  it('shows a certificate of its own', async (t) => {
    const { cert, key } = await makeDevCertificate();
    const folder = folderFor(t);
    mkdirSync(path.join(folder, 'pem'));
    const [both, alone] = ['both.pem', 'key.pem'].map((name) => path.join(folder, 'pem', name)) as [string, string];
    writeFileSync(both, `${cert}\n${key}`);
    writeFileSync(alone, key);
    const shown: unknown[] = [];
    const where = await serve(
      t,
      {
        ...ECHO,
        open(_, { request }) {
          shown.push((request.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256);
        },
      },
      { tls: { cert, key, requestCert: true, rejectUnauthorized: false } },
    );
    for (const args of [
      ['--cert', both],
      ['--cert', both, '--key', alone],
    ]) {
      const { stdout, stderr } = await runConnect([`wss://${where}`, '-k', ...args, '-x', 'hello', '-n', '1']);
      assert.equal(stdout, 'hello\n', stderr);
    }
    const { fingerprint256 } = new X509Certificate(cert);
    assert.deepEqual(shown, [fingerprint256, fingerprint256]);
  });
});

describe('--verbose', () => {
  it('shows both handshakes and every frame on standard error', async (t) => {
    const where = await serve(t, {
      message(connection, data) {
        connection.send(data as string);
        connection.close(1000, 'that is all');
      },
    });
    const { stdout, stderr } = await runConnect([where, '-v', '-x', 'a\tb', '-w', '-1', '-H', 'X-One: 1']);
    assert.equal(stdout, 'a\tb\n');
    const lines = stderr.replaceAll(/(Sec-WebSocket-(?:Key|Accept)): .*/g, '$1: …').split('\n');
    assert.deepEqual(lines, [
      '> GET / HTTP/1.1',
      `> Host: ${where}`,
      '> Upgrade: websocket',
      '> Connection: Upgrade',
      '> Sec-WebSocket-Key: …',
      '> Sec-WebSocket-Version: 13',
      '> X-One: 1',
      '>',
      '< HTTP/1.1 101 Switching Protocols',
      '< Upgrade: websocket',
      '< Connection: Upgrade',
      '< Sec-WebSocket-Accept: …',
      '<',
      `connected to ws://${where}/`,
      '> text, 3 bytes, masked: a\\tb',
      '< text, 3 bytes: a\\tb',
      '< close, 13 bytes: 1000 (normal) that is all',
      '> close, 2 bytes, masked: 1000 (normal)',
      'closed by the server: 1000 (normal) that is all',
      '',
    ]);
  });

  it('shows the answer that refuses', async (t) => {
    const where = await serve(t, { path: '/elsewhere' });
    const { stderr } = await runConnect([where, '-v']);
    assert.match(stderr, /^< HTTP\/1\.1 404 Not Found\n/m);
  });

  it('says what was agreed on', async (t) => {
    const where = await serve(t, { subprotocols: ['chat'], compression: true });
    const { stderr } = await runConnect([where, '-v', '-s', 'chat', '--compression', '-w', '0']);
    assert.match(stderr, /^connected to ws:\S+ \(subprotocol chat, permessage-deflate[^)\n]*\)$/m);
  });
});
