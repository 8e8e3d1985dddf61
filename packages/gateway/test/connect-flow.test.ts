// pulsebeacon connect: a side that does not keep up slows the other down, and fills no memory.
import assert from 'node:assert/strict';
import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import type { ServerConnection } from '@pulsebeacon/websocket';
import { Screen } from '#dist/connect/screen.js';
import { Session } from '#dist/connect/session.js';
import type { ConnectSettings } from '#dist/connect/settings.js';
import { TextReporter } from '#dist/connect/text-reporter.js';
import { ECHO, runConnect, serve } from './support/connect.ts';
import { Client } from './support/sockets.ts';

const MIB = 1024 * 1024;

function sessionWith(where: string, stdin: Readable, stdout: Writable): Session {
  const settings: ConnectSettings = {
    url: `ws://${where}/`,
    // As the command has them.
    opening: { sendHighWaterMark: Infinity, maxQueuedBytes: Infinity, writeTimeout: 0 },
    encoding: 'text',
    messages: [],
    source: 'pipe',
    wait: Infinity,
    count: Infinity,
    output: undefined,
    json: false,
    timestamps: false,
    verbose: false,
    color: false,
    history: false,
  };
  const screen = new Screen(stdout, new PassThrough());
  const plain = (_: unknown, text: string): string => text;
  return new Session({
    settings,
    screen,
    reporter: new TextReporter(screen, { out: plain, err: plain, timestamps: false, isChatty: false }, undefined),
    stdin: stdin as NodeJS.ReadStream,
    output: undefined,
    openPrompt: () => assert.fail('there is no prompt'),
  });
}

/** Time for everybody, measured in what they do: messages go to and fro on another connection. */
async function roundTrips(t: TestContext, count: number): Promise<void> {
  const client = await Client.open(`ws://${await serve(t, ECHO)}/`);
  for (let i = 0; i < count; i++) {
    client.socket.send('x');
    await client.next();
  }
  await client.close();
}

describe('a slow peer', () => {
  it('stops the reading of standard input until it reads on', async (t) => {
    let opened!: (connection: ServerConnection<unknown>) => void;
    const open = new Promise<ServerConnection<unknown>>((resolve) => (opened = resolve));
    let received = 0;
    const where = await serve(t, {
      open(connection) {
        connection.pause();
        opened(connection);
      },
      message: (_, data) => void (received += (data as string).length + 1),
    });
    const chunk = Buffer.from('0123456\n'.repeat(8192));
    let given = 0;
    const stdin = new Readable({
      read() {
        this.push(given < 64 * MIB ? chunk : null);
        given += chunk.length;
      },
    });
    const ended = sessionWith(where, stdin, new PassThrough()).run();
    const peer = await open;
    await roundTrips(t, 500);
    assert.ok(given < 32 * MIB, `${given} bytes were read, and nobody took them`);
    peer.resume();
    const total = 64 * MIB;
    while (received < total) await new Promise(setImmediate);
    peer.close(1000);
    assert.equal(await ended, 0);
    assert.equal(received, total);
  });

  it('that echoes everything gets everything, though it reads no faster than its answers are read', async (t) => {
    const where = await serve(t, ECHO);
    const line = 'x'.repeat(99_999);
    const input = `${line}\n`.repeat(200);
    const { code, stdout } = await runConnect([where, '-n', '200'], { input });
    assert.equal(stdout.length, input.length);
    assert.ok(stdout === input);
    assert.equal(code, 0);
  });
});

describe('a slow reader', () => {
  it('stops the reading of the connection until it reads on', async (t) => {
    const where = await serve(t, {
      open(connection) {
        for (let i = 0; i < 100; i++) connection.send(`message ${i}`);
        connection.send('last');
      },
    });
    const seen: string[] = [];
    const waiting: (() => void)[] = [];
    const stdout = new Writable({
      highWaterMark: 1,
      decodeStrings: false,
      write(text: string, _, done) {
        seen.push(text);
        waiting.push(done);
      },
    });
    const ended = sessionWith(where, new PassThrough(), stdout).run();
    await roundTrips(t, 50);
    assert.deepEqual(seen, ['message 0\n']);
    while (seen.at(-1) !== 'last\n') {
      waiting.shift()?.();
      await new Promise(setImmediate);
    }
    assert.equal(seen.length, 101);
    stdout.destroy(Object.assign(new Error('gone'), { code: 'EPIPE' }));
    assert.equal(await ended, 0);
  });
});
