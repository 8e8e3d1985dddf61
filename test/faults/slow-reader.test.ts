import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Scope } from '../support/cleanup.ts';
import { Client } from '../support/client.ts';
import { frame, RawClient } from '../support/raw.ts';
import { ServerProcess } from '../support/server-process.ts';

const MIB = 1024 * 1024;
const MESSAGE = 64 * 1024;
const SLOW = 10;

const openAll = <T>(count: number, open: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, open));

/** A client that reads nothing from now on: its window goes to zero. */
async function deaf(scope: Scope, server: ServerProcess, path: string): Promise<RawClient> {
  const client = await RawClient.open(scope, server.port, path);
  client.socket.pause();
  return client;
}

/** Healthy clients of /feed, each of which has to get every message, before the next ones are sent. */
class Audience {
  private readonly clients: readonly Client[];

  private constructor(clients: readonly Client[]) {
    this.clients = clients;
  }

  static async of(scope: Scope, server: ServerProcess, count: number): Promise<Audience> {
    return new Audience(await openAll(count, () => Client.open(scope, server.socket('/feed'))));
  }

  async feed(server: ServerProcess, messages: number): Promise<void> {
    for (let sent = 0; sent < messages; sent += 8) {
      await server.ask({ ask: 'feed', size: MESSAGE, times: 8 });
      for (const client of this.clients) {
        for (let i = 0; i < 8; i++) assert.equal((await client.next()).length, MESSAGE);
      }
    }
  }
}

describe('clients that never read, among healthy ones', () => {
  test('of a feed: closed with 1013 at the limit of the queue; nobody else notices', async (t) => {
    // The limit alone decides, not the write deadline.
    const server = await ServerProcess.start(t, { closeTimeout: 1000, writeTimeout: 0 });
    const audience = await Audience.of(t, server, 4);
    const talker = await Client.open(t, server.socket('/echo'));
    await audience.feed(server, 64);
    await server.forgetPeak();
    const before = await server.residentBytes();

    await openAll(SLOW, () => deaf(t, server, '/feed'));
    let worst = 0;
    for (let i = 0; i < 16; i++) {
      await audience.feed(server, 16);
      const start = performance.now();
      assert.equal(await talker.ask('hello'), 'hello');
      worst = Math.max(worst, performance.now() - start);
    }
    await server.untilEnded(SLOW);
    const { open, closedByCode } = await server.counts();
    assert.deepEqual([open, closedByCode], [5, { 1013: SLOW }]);
    // 16 MiB was sent to each. What may wait is 1 MiB for each, and it is shared by all.
    const growth = (await server.peakBytes()) - before;
    assert.ok(growth < 32 * MIB, `memory grew by ${growth} bytes`);
    assert.ok(worst < 5000, `an echo took ${worst} ms`);
    await audience.feed(server, 8);
    await server.stop();
  });

  test('of their own echoes: not read from any more, and closed with 1013 after the write deadline', async (t) => {
    const server = await ServerProcess.start(t, { writeTimeout: 1000, closeTimeout: 1000, maxQueuedBytes: 8 * MIB });
    const talker = await Client.open(t, server.socket('/echo'));
    assert.equal(await talker.ask('hello'), 'hello');
    await server.forgetPeak();
    const before = await server.residentBytes();

    const clients = await openAll(SLOW, () => deaf(t, server, '/echo'));
    const message = frame(0x2, Buffer.alloc(MESSAGE));
    for (let i = 0; i < 512; i++) for (const client of clients) client.write(message);
    await server.untilEnded(SLOW);
    const { closedByCode, bytesIn } = await server.counts();
    assert.deepEqual(closedByCode, { 1013: SLOW });
    // 32 MiB was sent by each, and most of it was never taken in.
    assert.ok(bytesIn < 16 * MIB * SLOW, `${bytesIn} bytes were read`);
    const growth = (await server.peakBytes()) - before;
    assert.ok(growth < 96 * MIB, `memory grew by ${growth} bytes`);
    assert.equal(await talker.ask('hello again'), 'hello again');
    await server.stop();
  });

  test('one that reads again while the connection is closing hears 1013', async (t) => {
    const server = await ServerProcess.start(t, { writeTimeout: 0 });
    const audience = await Audience.of(t, server, 1);
    const slow = await deaf(t, server, '/feed');
    const isClosing = async (): Promise<boolean> => {
      const { messagesOut } = await server.counts();
      await audience.feed(server, 8);
      // A feed of 8 messages counts 8 times where it is sent to one alone.
      return (await server.counts()).messagesOut - messagesOut === 8;
    };
    while (!(await isClosing()));
    slow.socket.resume();
    assert.equal(await slow.readCloseCode(), 1013);
    await server.stop();
  });
});
