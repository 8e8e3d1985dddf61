import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, type HubOptions, MemoryBroker } from '@pulsebeacon/hub';
import { parseSince } from '@pulsebeacon/wire';
import { turn } from './support/delayed-broker.ts';
import { connect, TestOutlet } from './support/test-outlet.ts';

const PUBLICATION = { kind: 'text', contentType: 'text/plain', data: 'x' } as const;
const LOST = new Error('the connection to the store is lost');

type Operation = 'subscribe' | 'history' | 'publish' | 'lease' | 'leases' | 'release' | 'signal';

/** A broker of which single operations fail. */
class FailingBroker extends MemoryBroker {
  /** Those that fail, and how. */
  readonly failing = new Map<Operation, 'throw' | 'reject'>();

  static of(how: 'throw' | 'reject', ...operations: Operation[]): FailingBroker {
    const broker = new FailingBroker();
    for (const operation of ['subscribe', 'history', 'publish', 'lease', 'leases', 'release', 'signal'] as const) {
      const original = broker[operation].bind(broker) as (...args: unknown[]) => unknown;
      Object.assign(broker, {
        [operation]: (...args: unknown[]) => {
          const failure = broker.failing.get(operation);
          if (failure === 'throw') throw LOST;
          return failure === 'reject' ? Promise.reject(LOST) : original(...args);
        },
      });
    }
    for (const operation of operations) broker.failing.set(operation, how);
    return broker;
  }
}

function makeHub(broker: FailingBroker, options: HubOptions = {}): { hub: Hub; failures: unknown[] } {
  const failures: unknown[] = [];
  const hub = new Hub({ ...options, broker, hooks: { failed: (error) => failures.push(error) } });
  return { hub, failures };
}

for (const how of ['throw', 'reject'] as const) {
  for (const operation of ['subscribe', 'history'] as const) {
    test(`${operation} fails (${how}): those who waited are told, nothing is left of it, and the next one tries again`, async () => {
      const broker = FailingBroker.of(how, operation);
      const { hub, failures } = makeHub(broker);
      const outlets = [connect(hub), connect(hub)];
      await Promise.all(
        outlets.map(({ client }) => client.execute({ type: 'subscribe', id: 1, channel: 'c', echo: true })),
      );
      for (const outlet of outlets) {
        assert.deepEqual(
          outlet.of('error').map(({ id, code, retry }) => [id, code, retry]),
          [[1, 'PB_BROKER_FAILED', true]],
        );
        assert.ok(!JSON.stringify(outlet.log).includes('lost'), 'what failed is nothing for clients');
      }
      assert.deepEqual(failures, [LOST, LOST]);
      assert.deepEqual([hub.counts().channels, hub.counts().subscriptions], [0, 0]);
      broker.failing.clear();
      await outlets[0]!.client.subscribe('c');
      await hub.publish('c', PUBLICATION);
      assert.equal(outlets[0]!.texts.length, 1);
      await hub.close();
    });
  }

  test(`a client that has left when its subscription fails (${how}) is told nothing`, async () => {
    const broker = FailingBroker.of(how, 'history');
    const { hub } = makeHub(broker);
    const outlet = connect(hub);
    const subscribing = outlet.client.execute({ type: 'subscribe', channel: 'c', echo: true });
    outlet.client.unsubscribe('c');
    await subscribing;
    assert.deepEqual(outlet.log, []);
    await hub.close();
  });

  test(`publish fails (${how}): the publisher is told, and what it reached is forgotten`, async () => {
    const broker = FailingBroker.of(how, 'publish');
    const { hub } = makeHub(broker, { namespaces: [{ match: '*', publish: 'anyone' }] });
    const outlet = connect(hub);
    await outlet.client.subscribe('c');
    await outlet.client.execute({ type: 'publish', id: 2, channel: 'c', data: 1, reach: true });
    assert.equal(outlet.of('error')[0]!.code, 'PB_BROKER_FAILED');
    await assert.rejects(hub.publish('c', PUBLICATION), LOST);
    assert.equal(hub.counts().published, 0);
    await hub.close();
  });

  test(`the history fails (${how}) a client that catches up: that subscription ends, with the reason`, async () => {
    const broker = FailingBroker.of(how);
    const { hub, failures } = makeHub(broker);
    for (let index = 0; index < 150; index++) await hub.publish('c', PUBLICATION);
    const outlets = [new TestOutlet(), new TestOutlet(true)];
    for (const outlet of outlets) {
      connect(hub, { outlet });
      outlet.stall();
      await outlet.client.subscribe('c', { since: parseSince('all') });
    }
    broker.failing.set('history', how);
    for (const outlet of outlets) outlet.read();
    await turn();
    const [many, one] = outlets as [TestOutlet, TestOutlet];
    assert.deepEqual(
      many.of('unsubscribed').map(({ code }) => code),
      ['PB_BROKER_FAILED'],
    );
    assert.equal(many.closedWith, undefined);
    assert.equal(one.closedWith!.code, 'PB_BROKER_FAILED', 'who follows this channel alone is to come back');
    assert.equal(failures.length, 2);
    assert.equal(hub.counts().channels, 0);
    await hub.close();
  });

  for (const operation of ['lease', 'leases', 'release', 'signal'] as const) {
    test(`${operation} fails (${how}): presence is behind, deliveries go on, and nothing is left unhandled`, async () => {
      const broker = FailingBroker.of(how);
      const { hub } = makeHub(broker, { namespaces: [{ match: '*', presence: true, joinLeave: true }] });
      const first = connect(hub);
      await first.client.subscribe('c');
      broker.failing.set(operation, how);
      const second = connect(hub);
      await second.client.subscribe('c');
      await turn();
      await hub.publish('c', PUBLICATION);
      assert.deepEqual([first.texts.length, second.texts.length], [1, 1]);
      second.client.closed();
      await turn();
      await hub.close();
    });
  }
}

test('what the server itself follows says so when it ends by a failure', async () => {
  const broker = FailingBroker.of('reject');
  const { hub } = makeHub(broker);
  const ends: string[] = [];
  const channel = hub.channel('c');
  await channel.subscribe(() => {}, { ended: ({ code }) => ends.push(code) });
  await hub.publish('c', PUBLICATION);
  broker.failing.set('history', 'reject');
  for (const state of hub.activeChannels) state.gap();
  await turn();
  assert.deepEqual(ends, ['PB_BROKER_FAILED']);
  await assert.rejects(
    channel.subscribe(() => {}),
    { code: 'PB_BROKER_FAILED' },
  );
  assert.equal(hub.counts().byTransport.local, 0);
  await hub.close();
});

test('without a failed hook, what fails is a warning of the process', async () => {
  const broker = FailingBroker.of('reject', 'history');
  const hub = new Hub({ broker });
  const warned = new Promise<Error>((resolve) => {
    process.once('warning', resolve);
  });
  await connect(hub).client.execute({ type: 'history', channel: 'c' });
  const { name, message } = await warned;
  assert.equal(name, 'HubWarning');
  assert.match(message, /the connection to the store is lost/);
  await hub.close();
});
