import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Client, refusal } from '../support/client.ts';
import type { Scope } from '../support/cleanup.ts';
import { ServerProcess } from '../support/server-process.ts';

const MIB = 1024 * 1024;

/** A process that has sent 900 KiB of a message, which the server has read, and waits. */
async function sendingClient(scope: Scope, server: ServerProcess): Promise<ChildProcess> {
  const program = new URL('programs/half-a-message.js', import.meta.url);
  const child = fork(program, [String(server.port)], { stdio: 'inherit' });
  scope.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

describe('a client process that is killed in the middle of a message', () => {
  test('is noticed, and its memory is free again', async (t) => {
    // Room for four such messages in the process.
    const server = await ServerProcess.start(t, { maxBufferedBytes: 4 * MIB });
    const healthy = await Client.open(t, server.socket('/echo'));
    let killed = 0;
    for (let round = 0; round < 3; round++) {
      const clients = await Promise.all(Array.from({ length: 5 }, () => sendingClient(t, server)));
      await server.untilOpen(6);
      // The account is full, so somebody new has to wait; who is here already does not.
      assert.equal(await healthy.ask('still here?'), 'still here?');
      const refused = await refusal(server.socket('/echo'));
      assert.deepEqual([refused.status, JSON.parse(refused.body).code], [503, 'PB_HANDSHAKE_MEMORY']);

      for (const client of clients) client.kill('SIGKILL');
      killed += clients.length;
      await server.untilEnded(killed + round);
      const counts = await server.counts();
      assert.equal(counts.open, 1);
      assert.equal(counts.closedByCode[1006], killed);
      assert.equal(counts.messagesIn, counts.messagesOut);

      // Whatever was not given back would add up to more than the account allows.
      const another = await Client.open(t, server.socket('/echo'));
      assert.equal(await another.ask('still there?'), 'still there?');
      await another.close();
      await server.untilEnded(killed + round + 1);
    }
    assert.equal(await healthy.ask('and I?'), 'and I?');
    await healthy.close();
    await server.untilOpen(0);
    await server.stop();
  });
});
