// Where the program listens, and the one sentence that it ends with where it cannot.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listenFailure } from '#dist/listen/failures.js';
import { ask } from './support/http.ts';
import { type Outcome, Program, runProgram } from './support/program.ts';
import { Client } from './support/sockets.ts';

function assertSentence({ code, stdout, stderr }: Outcome, says: RegExp): void {
  assert.match(stderr.trimEnd(), says);
  assert.match(stderr, /^pulsebeacon: [^\n]+\n$/);
  // It is the first that one sees: no line of a start that has failed stands before it.
  assert.equal(stdout, '');
  assert.equal(code, 1);
}

describe('several listeners', () => {
  it('serve the same, with the same counts', async () => {
    const program = await Program.start(['--listen', '127.0.0.1:0', '--listen', '[::1]:0']);
    const [v4, v6] = program.listeners;
    assert.deepEqual([v4!.address, v6!.address], ['127.0.0.1', '::1']);
    const one = await Client.open(`ws://127.0.0.1:${v4!.port}/echo`);
    const two = await Client.open(`ws://[::1]:${v6!.port}/echo`);
    const counts = (await ask(`http://[::1]:${v6!.port}/live`)).json() as { echo: { open: number } };
    assert.equal(counts.echo.open, 2);
    await one.close();
    await two.close();
    assert.equal((await program.stop()).code, 0);
  });

  it('are all there, or none is', async () => {
    const busy = createServer();
    busy.listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as { port: number };
    assertSentence(
      await runProgram(['serve', '--listen', '0', '--listen', `127.0.0.1:${port}`]),
      new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use`),
    );
    busy.close();
  });
});

describe('a port that cannot be had', () => {
  let busy: Server;
  let port: number;
  before(async () => {
    busy = createServer();
    busy.listen(0, '127.0.0.1');
    await once(busy, 'listening');
    ({ port } = busy.address() as { port: number });
  });
  after(() => busy.close());

  it('because it is in use', async () => {
    assertSentence(
      await runProgram(['serve', '--port', String(port)]),
      new RegExp(
        `^pulsebeacon: port ${port} on 127\\.0\\.0\\.1 is in use by another program: end that program, or choose another port, such as --port ${port + 1} \\(--port 0 takes a free one\\)$`,
      ),
    );
  });

  it('because the address is not of this machine', async () => {
    // RFC 5737: an address for documentation.
    assertSentence(
      await runProgram(['serve', '--host', '192.0.2.1', '--port', '0']),
      /^pulsebeacon: 192\.0\.2\.1 is not an address of this machine: --host takes one of .*127\.0\.0\.1.*, or 0\.0\.0\.0 for all of them$/,
    );
  });

  it('because the user may not have it', async (t) => {
    const refusal = listenFailure(Object.assign(new Error('x'), { code: 'EACCES' }), {
      kind: 'tcp',
      host: '127.0.0.1',
      port: 80,
    });
    assert.equal(refusal.exitCode, 1);
    const says = /^port 80 is not allowed to this user, .*--port 8080, .*setcap cap_net_bind_service/;
    assert.match(refusal.message, says);
    // For real, where this machine keeps such ports from somebody: root gives up its rights for it.
    const first = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
    const isKept = existsSync(first) && Number(readFileSync(first, 'utf8')) > 80;
    const isReadable = process.getuid?.() !== 0 || (await canBeReadByAll());
    if (!isKept || !isReadable) {
      t.diagnostic('port 80 is open to every user here: tried with the error alone');
      return;
    }
    const outcome = await runProgram(['serve', '--port', '80'], process.getuid?.() === 0 ? { uid: 65_534 } : {});
    assertSentence(outcome, /^pulsebeacon: port 80 is not allowed to this user, /);
  });

  for (const [code, says] of [
    ['EAFNOSUPPORT', /^this machine has no IPv6, .*--host 127\.0\.0\.1$/],
    ['ENOTFOUND', /^the host name ::1 stands for no address here: --host takes one of /],
    ['EAI_AGAIN', /^the host name ::1 stands for no address here: --host takes one of /],
    ['EWHATEVER', /^cannot listen on \[::1\]:443: what the system says$/],
  ] as const) {
    it(`because of ${code}`, () => {
      const error = Object.assign(new Error('what the system says'), { code });
      assert.match(listenFailure(error, { kind: 'tcp', host: '::1', port: 443 }).message, says);
    });
  }
});

/** Whether a user without rights could run the program from where it is. */
async function canBeReadByAll(): Promise<boolean> {
  const here = path.dirname(new URL(import.meta.url).pathname);
  const child = spawn(process.execPath, ['-e', `require('node:fs').readdirSync(${JSON.stringify(here)})`], {
    uid: 65_534,
    gid: 65_534,
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'close').catch(() => [1])) as [number];
  return code === 0;
}

describe('a Unix socket', () => {
  let folder: string;
  let socket: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-unix-'));
    socket = path.join(folder, 'pb.sock');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('serves pages and sockets, and is gone afterwards', async () => {
    const program = await Program.start(['--listen', `unix:${socket}`]);
    assert.deepEqual(program.listeners, [{ path: socket, tls: false }]);
    const { status, json } = await ask('http://localhost/healthz', { socketPath: socket });
    assert.equal(status, 200);
    assert.deepEqual(json(), { status: 'ok' });
    assert.equal((await ask('http://evil.test/', { socketPath: socket })).status, 421);
    const client = await Client.open(`ws+unix:${socket}:/echo`);
    client.socket.send('hello');
    assert.equal(await client.nextText(), 'hello');
    await client.close();
    await program.stop();
    assert.equal(existsSync(socket), false);
  });

  it('that a killed program has left behind is made anew', async () => {
    const killed = await Program.start(['--listen', `unix:${socket}`]);
    killed.signal('SIGKILL');
    await killed.ended;
    assert((await lstat(socket)).isSocket());
    const program = await Program.start(['--listen', `unix:${socket}`]);
    assert.equal((await ask('http://localhost/healthz', { socketPath: socket })).status, 200);
    await program.stop();
  });

  it('that somebody listens on is left alone', async () => {
    const program = await Program.start(['--listen', `unix:${socket}`]);
    assertSentence(
      await runProgram(['serve', '--listen', `unix:${socket}`]),
      /another program listens on .*pb\.sock; end that program, or choose another path: --listen unix:PATH$/,
    );
    assert.equal((await ask('http://localhost/healthz', { socketPath: socket })).status, 200);
    await program.stop();
  });

  it('never takes the place of a file or a folder', async () => {
    const file = path.join(folder, 'precious.txt');
    await writeFile(file, 'precious');
    await mkdir(path.join(folder, 'precious'));
    for (const taken of [file, path.join(folder, 'precious')]) {
      assertSentence(
        await runProgram(['serve', '--listen', `unix:${taken}`]),
        /exists and is not a socket; it is left as it is: choose another path for --listen$/,
      );
    }
    assert.equal(await readFile(file, 'utf8'), 'precious');
  });

  it('needs a folder that is there, and a path that the system takes', async () => {
    assertSentence(
      await runProgram(['serve', '--listen', `unix:${folder}/no/pb.sock`]),
      /the folder of the socket .* does not exist: make it first, or choose another path$/,
    );
    assertSentence(
      await runProgram(['serve', '--listen', `unix:${folder}/${'x'.repeat(100)}.sock`]),
      /the path of a Unix socket has at most 10[37] bytes/,
    );
  });
});
