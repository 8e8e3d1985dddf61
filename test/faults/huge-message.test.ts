// alone: measures memory
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { Scope } from '../support/cleanup.ts';
import { MemoryOf } from '../support/memory-of.ts';
import type { HugeAnswer, HugeQuestion } from './programs/huge-message.ts';

const MIB = 1024 * 1024;
/** `HUGE_MESSAGE_MIB` for another size. */
const SIZE = Number(process.env['HUGE_MESSAGE_MIB'] ?? 1024) * MIB;
/** By how much either end may grow, whatever the size. */
const MOST_GROWTH = 64 * MIB;

/** One end of the connection, in a process of its own. */
class End {
  readonly memory: MemoryOf;
  private readonly child: ChildProcess;
  private before = 0;
  private nextId = 0;

  constructor(scope: Scope) {
    this.child = fork(new URL('programs/huge-message.js', import.meta.url), { stdio: 'inherit' });
    this.child.setMaxListeners(0);
    this.memory = new MemoryOf(this.child.pid!);
    scope.after(() => this.child.kill('SIGKILL'));
  }

  async ask(question: HugeQuestion): Promise<HugeAnswer> {
    const id = this.nextId++;
    const ended = once(this.child, 'exit').then(([code]) => assert.fail(`an end of the connection ended with ${code}`));
    const answered = new Promise<HugeAnswer>((resolve) => {
      this.child.on('message', (answer: HugeAnswer & { id: number }) => answer.id === id && resolve(answer));
    });
    this.child.send({ id, question });
    return await Promise.race([answered, ended]);
  }

  async watch(): Promise<void> {
    await this.memory.forgetPeak();
    this.before = await this.memory.resident();
  }

  /** By how much it has grown, at most, since {@link watch}. */
  async growth(): Promise<number> {
    return (await this.memory.peak()) - this.before;
  }

  async close(): Promise<void> {
    await this.ask({ ask: 'close' });
    await once(this.child, 'exit');
  }
}

async function connected(scope: Scope): Promise<{ server: End; client: End }> {
  const [server, client] = [new End(scope), new End(scope)];
  const { port } = await server.ask({ ask: 'listen' });
  await client.ask({ ask: 'connect', port: port! });
  return { server, client };
}

async function transfer(from: End, to: End, bytes: number): Promise<void> {
  const [sent, read] = await Promise.all([from.ask({ ask: 'send', bytes }), to.ask({ ask: 'read' })]);
  assert.equal(read.bytes, bytes);
  assert.equal(read.sha256, sent.sha256);
}

describe(`one message of ${SIZE / MIB} MiB, in parts`, () => {
  for (const direction of ['from the client to the server', 'from the server to the client'] as const) {
    test(`${direction}: neither end grows by more than ${MOST_GROWTH / MIB} MiB`, async (t) => {
      const { server, client } = await connected(t);
      const [from, to] = direction.startsWith('from the client') ? [client, server] : [server, client];
      // What Node itself takes for the first megabytes is not the message's.
      await transfer(from, to, 16 * MIB);
      await Promise.all([from.watch(), to.watch()]);
      await transfer(from, to, SIZE);
      for (const [name, end] of [
        ['the sender', from],
        ['the receiver', to],
      ] as const) {
        const growth = await end.growth();
        t.diagnostic(`${name} grew by ${(growth / MIB).toFixed(1)} MiB`);
        assert.ok(growth < MOST_GROWTH, `${name} grew by ${growth} bytes`);
      }
      await Promise.all([client.close(), server.close()]);
    });
  }

  test('to an end that takes the first part and no more: the sender waits, and neither end grows', async (t) => {
    const { server, client } = await connected(t);
    await transfer(client, server, 16 * MIB);
    await Promise.all([client.watch(), server.watch()]);
    const sending = client.ask({ ask: 'send', bytes: SIZE });
    await server.ask({ ask: 'begin' });
    // Until the network between them is full, and for a while after.
    let sent = 0;
    for (let still = 0; still < 50; still++) {
      const { bytes } = await client.ask({ ask: 'count' });
      if (bytes! > sent) still = 0;
      sent = bytes!;
      await server.ask({ ask: 'count' });
    }
    assert.ok(sent < SIZE / 2, `${sent} bytes were sent to somebody who reads none`);
    assert.ok((await client.growth()) < MOST_GROWTH && (await server.growth()) < MOST_GROWTH);
    await server.close();
    const { error } = await sending;
    assert.match(error!, /^PB_STREAM_(ENDED|FAILED)$/);
    await client.close();
  });
});
