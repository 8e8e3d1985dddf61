// Ctrl-C and SIGTERM: connections are told to go, what is under way ends, and then the program.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type DrainableSockets, drain } from '#dist/drain.js';
import { Hub } from '@pulsebeacon/hub';
import { ask, handshake, RawConnection } from './support/http.ts';
import { Program } from './support/program.ts';
import { Client, refused } from './support/sockets.ts';

const isDraining = ({ msg }: { msg: string }): boolean => /told to go|: ending/.test(msg);

/** A WebSocket whose client never answers a close frame. */
async function openSilent(port: number): Promise<RawConnection> {
  const connection = await RawConnection.open(port);
  connection.send(handshake('/echo', 'localhost'));
  await connection.until(/\r\n\r\n/);
  return connection;
}

async function openHalf(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /healthz HTTP/1.1\r\nHo');
  // It has arrived before a request that was sent after it.
  await ask(`http://127.0.0.1:${port}/healthz`);
  return socket;
}

async function openTls(port: number): Promise<Socket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  return socket;
}

describe('Ctrl-C', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`closes WebSockets with 1001 and ends with code 0: ${signal}`, async () => {
      const program = await Program.start();
      const clients = [
        await Client.open(`${program.socketBase}/echo`),
        await Client.open(`${program.socketBase}/live`),
      ];
      clients[0]!.socket.send('last words');
      await clients[0]!.next();
      program.signal(signal);
      for (const client of clients) {
        assert.deepEqual(await client.closed, { code: 1001, reason: 'the server is shutting down' });
      }
      const { code, signal: by, stderr } = await program.ended;
      assert.deepEqual([code, by, stderr], [0, null, '']);
      const begin = program.find(isDraining)!;
      assert.match(begin.msg, new RegExp(`^${signal}: 2 connections are told to go; at most 30 s`));
      const last = program.lines.at(-1)!;
      assert.equal(last['event'], 'ended');
      assert.match(last.msg, /^ended: 2 closed; 2 connections at most, 0 published, 1 echoed$/);
    });
  }

  it('ends at once where nobody is there', async () => {
    const program = await Program.start();
    program.signal('SIGINT');
    assert.equal((await program.ended).code, 0);
    assert.match(program.find(isDraining)!.msg, /^SIGINT: ending$/);
  });

  it('counts as one when npm passes it on', async () => {
    const program = await Program.start();
    const client = await Client.open(`${program.socketBase}/echo`);
    program.signal('SIGINT');
    program.signal('SIGINT');
    assert.equal((await client.closed).code, 1001);
    assert.equal((await program.ended).code, 0);
  });

  it('lets nobody in any more', async () => {
    const program = await Program.start();
    const silent = await openSilent(program.port);
    // Open before, and kept alive: a request on it is still served, but it learns that the end is near.
    const kept = await RawConnection.open(program.port);
    kept.send('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /readyz HTTP/1.1\r\nHost: local');
    await kept.until(/"ok"/);
    program.signal('SIGTERM');
    await program.waitFor(isDraining);
    await silent.until('\x88\x1d\x03\xe9the server is shutting down');
    kept.send('host\r\n\r\n');
    const answers = await kept.end();
    assert.match(answers, /HTTP\/1\.1 503 [^]*Connection: close[^]*\{"status":"draining"\}\n$/);
    await assert.rejects(RawConnection.open(program.port), { code: 'ECONNREFUSED' });
    silent.destroy();
    assert.equal((await program.ended).code, 0);
  });

  it('refuses with 503 the handshake that was on its way', async () => {
    const program = await Program.start();
    const silent = await openSilent(program.port);
    const late = await RawConnection.open(program.port);
    const lines = handshake('/echo', 'localhost');
    late.send(lines.slice(0, 40));
    // Its first lines have arrived before those of a request that was sent after them.
    await refused(`${program.socketBase}/nothing`);
    program.signal('SIGINT');
    await program.waitFor(isDraining);
    late.send(lines.slice(40));
    const answer = await late.end();
    assert.match(answer, /^HTTP\/1\.1 503 /);
    assert.match(answer, /\r\nRetry-After: 5\r\n/);
    assert.match(answer, /"PB_HANDSHAKE_DRAINING"/);
    silent.destroy();
    await program.ended;
  });

  it('lets a download come to its end', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-drain-'));
    const size = 20_000_000;
    await writeFile(path.join(folder, 'large.bin'), Buffer.alloc(size, 'x'));
    const program = await Program.start(['--static', folder]);
    const download = await RawConnection.open(program.port);
    // What does not fit into the buffers between us waits in the program.
    download.socket.pause();
    download.send('GET /large.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const silent = await openSilent(program.port);
    program.signal('SIGINT');
    await program.waitFor(isDraining);
    download.socket.resume();
    const answer = await download.end();
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, size);
    silent.destroy();
    assert.equal((await program.ended).code, 0);
    await rm(folder, { recursive: true });
  });

  for (const [what, options, open] of [
    ['a half of a head has come', [], openHalf],
    ['nothing has come over TLS', ['--tls-dev'], openTls],
  ] as const) {
    it(`holds those to --header-timeout of whom ${what}`, async () => {
      const program = await Program.start(['--header-timeout', '300ms', ...options]);
      const client = await open(program.port);
      program.signal('SIGINT');
      const answer = await text(client);
      // Later Node takes a connection over TLS that has said nothing for an idle one, and ends it at once.
      if (open !== openTls || answer !== '') assert.match(answer, /^HTTP\/1\.1 408 [^]*"PB_REQUEST_TIMEOUT"/);
      assert.equal((await program.ended).code, 0);
      const [begin, end] = [program.find(isDraining)!, program.lines.at(-1)!].map(({ time }) =>
        Date.parse(time as string),
      );
      assert(end! - begin! < 15_000, 'it did not wait for --drain-timeout, 30 s');
    });
  }

  it('waits no longer than --drain-timeout for those who do not answer', async () => {
    const program = await Program.start(['--drain-timeout', '300ms']);
    const silent = await openSilent(program.port);
    program.signal('SIGINT');
    await silent.end();
    const { code } = await program.ended;
    assert.equal(code, 0);
    assert.match(program.lines.at(-1)!.msg, /^ended: 1 closed; 1 had to be cut off;/);
  });

  it('given again ends at once', async () => {
    const program = await Program.start();
    const silent = await openSilent(program.port);
    const begin = performance.now();
    program.signal('SIGINT');
    await program.waitFor(isDraining);
    // Pressed again and again: the one that comes half a second after the first counts.
    const again = setInterval(() => program.signal('SIGINT'), 100);
    const { code } = await program.ended;
    clearInterval(again);
    silent.destroy();
    assert.equal(code, 130);
    assert.match(program.lines.at(-1)!.msg, /^ended at once/);
    // Before the client's time for its close frame (5 s) and the whole drain (30 s) are over.
    assert(performance.now() - begin < 4500);
  });
});

describe('the end of many connections', () => {
  it('is spread over half of the time', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    assert((server.address() as AddressInfo).port > 0);
    const closedAt: number[] = [];
    const connections = new Set<{ close(): void; terminate(): void }>();
    const begin = performance.now();
    let whenEmpty = (): void => {};
    for (let index = 0; index < 600; index++) {
      const connection = {
        close(): void {
          if (!connections.delete(connection)) return;
          closedAt.push(performance.now() - begin);
          if (connections.size === 0) whenEmpty();
        },
        terminate(): void {
          connection.close();
        },
      };
      connections.add(connection);
    }
    const sockets = {
      connections,
      close: async () => {
        if (connections.size > 0) await new Promise<void>((resolve) => (whenEmpty = resolve));
      },
    } as unknown as DrainableSockets;
    const report = await drain([{ server, http2: undefined }], [sockets], new Hub(), 2000);
    assert.deepEqual(report, { sockets: 600, cutOff: 0 });
    // Steps of a tenth of a second, 60 at a time: 10 steps in a second.
    const [first, last] = [closedAt[0]!, closedAt.at(-1)!];
    assert(first < 90, `the first after ${first} ms`);
    assert(last > 800 && last < 2000, `the last after ${last} ms`);
    const inFirstHalf = closedAt.filter((at) => at < last / 2).length;
    assert(inFirstHalf > 180 && inFirstHalf < 420, `${inFirstHalf} of 600 in the first half`);
  });
});
