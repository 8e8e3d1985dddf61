import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReconnectingConnection, type Retry } from '@pulsebeacon/websocket';
import { rawServer } from '../support/raw-server.ts';
import { meet } from '../support/server-end.ts';

describe('§7.2.1 Client-initiated closure', () => {
  test('§7.2.1: if the transport is lost, the client MUST fail the connection: 1006, and why', async (t) => {
    const { client, server, log } = await meet(t);
    server.reset();
    await log.has('close');
    assert.deepEqual(log.lines, ['error PB_STREAM_FAILED', 'close 1006 ""']);
    assert.deepEqual([client.state, client.send('more')], ['closed', 'closed']);
  });

  test('§7.2.1: an application may end the connection without a handshake: nothing is sent any more', async (t) => {
    const { client, server, log } = await meet(t);
    client.terminate();
    assert.deepEqual(await server.rest(), []);
    assert.equal(await log.has('close'), 'close 1006 ""');
  });
});

describe('§7.2.3 Recovering from abnormal closure', () => {
  /** The waits before so many attempts at a server that opens no connection, without waiting for them. */
  async function delays(count: number, random: () => number): Promise<number[]> {
    // Only the first wait is a real one here; what the next ones would be, `test/client/backoff.test.ts` has.
    const found: number[] = [];
    for (let i = 0; i < count; i++) {
      const retry = await new Promise<Retry>((resolve) => {
        const link = new ReconnectingConnection(
          'ws://127.0.0.1:1/',
          {
            retry: (told) => {
              link.close();
              resolve(told);
            },
          },
          random,
        );
      });
      found.push(retry.delay);
    }
    return found;
  }

  test('§7.2.3: the first attempt SHOULD be delayed by a random time, of 0 to 5 seconds', async () => {
    assert.deepEqual([await delays(1, () => 0), await delays(1, () => 0.999)], [[0], [499.5]]);
    const some = await delays(20, Math.random);
    assert.ok(some.every((delay) => delay >= 0 && delay <= 5000));
    assert.ok(new Set(some).size > 1, String(some));
  });

  test('§7.2.3: later attempts SHOULD be delayed by longer, truncated times', async (t) => {
    const url = await rawServer(t, ({ socket }) => socket.end());
    const found = await new Promise<number[]>((resolve) => {
      const seen: number[] = [];
      const link = new ReconnectingConnection(
        url,
        {
          firstDelay: 1,
          maxDelay: 8,
          retry: ({ delay }) => {
            seen.push(delay);
            if (seen.length < 6) return;
            link.close();
            resolve(seen);
          },
        },
        () => 1,
      );
    });
    assert.deepEqual(found, [1, 2, 4, 8, 8, 8]);
  });
});
