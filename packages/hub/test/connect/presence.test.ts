import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, MemoryBroker } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { newSession } from '#dist/session-token.js';
import { DelayedBroker, turn } from '../core/support/delayed-broker.ts';
import { connect, TestOutlet } from '../core/support/test-outlet.ts';

test('who changes from a stream to polls stays present, however late the store hears of either', async () => {
  for (let round = 0; round < 24; round++) {
    const broker = new DelayedBroker();
    const hub = new Hub({ broker, namespaces: [{ match: '*', presence: true }] });
    const session = newSession(undefined);
    const stream = connect(hub, { session });
    void stream.client.subscribe('c');
    await broker.settle();
    stream.client.closed();
    const poll = connect(hub, { session });
    const polling = poll.client.subscribe('c');
    let isFollowing = false;
    void polling.then(() => (isFollowing = true));
    // The newest steps first: what the stream has left behind comes after what the poll asks for.
    for (let steps = 0; !isFollowing; steps++) {
      broker.step(steps < round ? 0 : broker.steps.length - 1);
      await turn();
    }
    poll.client.closed(true);
    await broker.settle();
    assert.equal(broker.inner.leases('presence/c/').length, 1, `round ${round}`);
    const closing = hub.close();
    await broker.settle();
    await closing;
  }
});

test('who polls stays present when the node is drained, until another one hears of it', async () => {
  const broker = new MemoryBroker();
  const hub = new Hub({ broker, namespaces: [{ match: '*', presence: true }] });
  const poll = connect(hub, { outlet: new TestOutlet(false, 'poll') });
  const stream = connect(hub, { outlet: new TestOutlet(false, 'sse') });
  for (const { client } of [poll, stream]) await client.subscribe('c');
  for (const { client } of [poll, stream]) client.close(new WireError('PB_HUB_DRAINING'));
  for (const { client } of [poll, stream]) client.closed();
  await hub.close();
  const members = broker.leases('presence/c/').map(({ value }) => (JSON.parse(value) as { client: string }).client);
  assert.deepEqual(members, [poll.client.id]);
  await broker.close();
});
