import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { MOST_JOBS, type QueuedJob, ZlibJobs } from '#dist/node/deflate/zlib-jobs.js';
import { connect, deflate, inflate, makeProvider, parameters, PATHS, takeover } from '../support/deflate.ts';
import { Random } from '../support/random.ts';

const LARGE = 200_000;

const unexpected = (): never => assert.fail('not compressed');

test('so many jobs run at once and no more; the others wait in their order', () => {
  const jobs = new ZlibJobs(2);
  const begun: number[] = [];
  const make = (id: number): QueuedJob => ({ begin: () => void begun.push(id) });
  const [first, second, third, fourth] = [1, 2, 3, 4].map(make) as [QueuedJob, QueuedJob, QueuedJob, QueuedJob];
  for (const job of [first, second, third, fourth]) jobs.submit(job);
  assert.deepEqual([begun, jobs.running, jobs.waiting, jobs.isFull], [[1, 2], 2, 2, true]);
  assert.equal(jobs.withdraw(third), true);
  assert.equal(jobs.withdraw(third), false);
  assert.equal(jobs.withdraw(first), false);
  jobs.ended();
  assert.deepEqual([begun, jobs.running, jobs.waiting], [[1, 2, 4], 2, 0]);
  jobs.ended();
  jobs.ended();
  assert.deepEqual([jobs.running, jobs.waiting, jobs.isFull], [0, 0, false]);
});

test('a job that ends as it begins makes room for the next', () => {
  const jobs = new ZlibJobs(1);
  const order: string[] = [];
  const brief = (name: string): QueuedJob => ({
    begin() {
      order.push(name);
      jobs.ended();
    },
  });
  jobs.submit({ begin: () => order.push('long') });
  for (const name of ['a', 'b', 'c']) jobs.submit(brief(name));
  jobs.ended();
  assert.deepEqual(order, ['long', 'a', 'b', 'c']);
  assert.deepEqual([jobs.running, jobs.waiting], [0, 0]);
});

for (const path of PATHS) {
  test(`at most ${MOST_JOBS} messages are at zlib at once, of all connections together (${path})`, async () => {
    const { provider, jobs } = makeProvider(path);
    const message = new Random(1).bytes(LARGE);
    let most = 0;
    const watch = (): void => void (most = Math.max(most, jobs.running));
    const send = async (): Promise<void> => {
      const half = connect(provider, parameters());
      const sending = deflate(half.deflater, message);
      watch();
      const { payload, inline } = await sending;
      assert.equal(inline, false);
      watch();
      const receiving = inflate(half.inflater, payload);
      watch();
      assert.ok((await receiving).message?.equals(message));
    };
    const sent = Array.from({ length: 35 }, send);
    const { running, waiting } = provider.load;
    assert.deepEqual([running, waiting], [MOST_JOBS, 35 - MOST_JOBS]);
    await Promise.all(sent);
    assert.equal(most, MOST_JOBS);
    assert.deepEqual([jobs.running, jobs.waiting], [0, 0]);
  });

  test(`a result comes in the context of who asked for it, not of who used zlib first (${path})`, async () => {
    const { provider } = makeProvider(path, { takeover: true });
    const users = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const message = new Random(2).bytes(LARGE);
    const send = (user: string, agreed = parameters()): Promise<void> => {
      const { deflater, inflater } = connect(provider, agreed);
      return users.run(
        user,
        () =>
          new Promise((resolve) => {
            deflater.deflate(message, 0, message.length, {
              onDeflateFailed: unexpected,
              onDeflated(bytes, start, end) {
                seen.push(`${user}: ${users.getStore()}`);
                inflater.inflate(bytes, start, end, LARGE, {
                  onInflateFailed: unexpected,
                  onInflated() {
                    seen.push(`${user}: ${users.getStore()}`);
                    resolve();
                  },
                });
              },
            });
          }),
      );
    };
    // One after the other, so that the second uses what was made for the first; then more than there are turns for.
    await send('ada');
    await send('grace');
    await Promise.all(Array.from({ length: 15 }, (_, i) => send(`user ${i}`, i % 2 === 0 ? takeover() : parameters())));
    assert.equal(seen.length, 34);
    for (const line of seen) assert.match(line, /^(.*): \1$/);
  });
}
