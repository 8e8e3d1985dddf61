import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { type Broker, Hub, MemoryBroker } from '@pulsebeacon/hub';
import type { ServerMessage } from '@pulsebeacon/wire';
import { newSession } from '#dist/session-token.js';
import { DelayedBroker, turn } from './support/delayed-broker.ts';
import { connect, TestOutlet } from './support/test-outlet.ts';

const NAMESPACES = [{ match: '*', presence: true, joinLeave: true }];

function makeHub(broker: Broker, presenceLifetime = 60_000): Hub {
  return new Hub({
    broker,
    namespaces: NAMESPACES,
    limits: { presenceLifetime, maxWait: Math.min(25_000, presenceLifetime / 2) },
  });
}

/** Who came and went, as a client was told. */
function comings(outlet: TestOutlet, except?: TestOutlet): string[] {
  return outlet.messages.flatMap((message) =>
    (message.type === 'join' || message.type === 'leave') && message.client !== except?.client.id
      ? [`${message.type} ${message.client}`]
      : [],
  );
}

/** Says so when it is told that somebody has gone. */
class AttentiveOutlet extends TestOutlet {
  readonly heard: EventEmitter = new EventEmitter();

  override message(message: ServerMessage): void {
    super.message(message);
    this.heard.emit(message.type);
  }
}

/** The hub's own timers do not keep the process. */
async function heard(outlet: AttentiveOutlet, type: string): Promise<void> {
  const guard = setTimeout(() => outlet.heard.emit('error', new Error(`no ${type} in 30 s`)), 30_000);
  await once(outlet.heard, type);
  clearTimeout(guard);
}

test('who joins and leaves is told once on every node, with the principal', async () => {
  const broker = new MemoryBroker();
  const hubs = [makeHub(broker), makeHub(broker)] as const;
  const watchers = hubs.map((hub) => connect(hub));
  for (const { client } of watchers) await client.subscribe('c');
  await turn();
  const guest = connect(hubs[0], { principal: { id: 'ann', grants: [] } });
  await guest.client.subscribe('c');
  await turn();
  const { id } = guest.client;
  assert.ok((await hubs[1].members('c')).some(({ client, principal }) => client === id && principal === 'ann'));
  guest.client.closed();
  await turn();
  const ids = watchers.map(({ client }) => client.id);
  assert.deepEqual(comings(watchers[0]!), [`join ${ids[0]}`, `join ${ids[1]}`, `join ${id}`, `leave ${id}`]);
  assert.deepEqual(comings(watchers[1]!), [`join ${ids[1]}`, `join ${id}`, `leave ${id}`]);
  assert.deepEqual(watchers[1]!.of('join').at(-1), { type: 'join', channel: 'c', client: id, principal: 'ann' });
  assert.equal((await hubs[0].members('c')).length, 2);
  for (const hub of hubs) await hub.close();
  assert.deepEqual(broker.leases(''), []);
});

test('a client is present once, by however many connections to however many nodes, until the last has ended', async () => {
  const broker = new MemoryBroker();
  const hubs = [makeHub(broker), makeHub(broker)] as const;
  const watcher = connect(hubs[1]);
  await watcher.client.subscribe('c');
  const session = newSession(undefined);
  const outlets = [hubs[0], hubs[0], hubs[1]].map((hub) => connect(hub, { session }));
  for (const { client } of outlets) {
    await client.subscribe('c');
    await turn();
  }
  assert.equal((await hubs[0].members('c')).length, 2);
  for (const { client } of outlets) {
    assert.deepEqual(comings(watcher, watcher), [`join ${session.client}`]);
    client.closed();
    await turn();
  }
  assert.deepEqual(comings(watcher, watcher), [`join ${session.client}`, `leave ${session.client}`]);
  for (const hub of hubs) await hub.close();
});

test('who comes and goes quickly ends as it was last, though the store answers late and in any order', async () => {
  const broker = new DelayedBroker();
  const hub = makeHub(broker);
  const watcher = connect(hub);
  const watching = watcher.client.subscribe('c');
  await broker.settle();
  await watching;
  await broker.settle();
  const session = newSession(undefined);
  for (let round = 0; round < 12; round++) {
    const guest = connect(hub, { session });
    const subscribing = guest.client.subscribe('c');
    for (let steps = 0; steps < round * 2; steps++) {
      broker.step(steps % 3);
      await turn();
    }
    guest.client.closed();
    await broker.settle();
    await subscribing;
    assert.equal(broker.inner.leases('').length, 1);
    const told = comings(watcher, watcher);
    assert.deepEqual(
      told,
      told.map((_, index) => `${index % 2 === 0 ? 'join' : 'leave'} ${session.client}`),
    );
    assert.equal(told.length % 2, 0);
  }
});

test('a poll that was answered leaves nobody absent: it returns without a join, and is gone when its lease ends', async () => {
  const broker = new MemoryBroker();
  const hub = makeHub(broker, 300);
  const watcher = new AttentiveOutlet();
  connect(hub, { outlet: watcher });
  await watcher.client.subscribe('c');
  const session = newSession(undefined);
  for (let poll = 0; poll < 3; poll++) {
    const outlet = connect(hub, { session });
    await outlet.client.subscribe('c');
    await turn();
    outlet.client.closed(true);
    await turn();
    assert.deepEqual(comings(watcher, watcher), [`join ${session.client}`]);
  }
  await heard(watcher, 'leave');
  assert.deepEqual(comings(watcher, watcher), [`join ${session.client}`, `leave ${session.client}`]);
  await hub.close();
});

test('a WebSocket that ends while its client polls is no departure', async () => {
  const broker = new MemoryBroker();
  const hub = makeHub(broker);
  const watcher = connect(hub);
  await watcher.client.subscribe('c');
  const session = newSession(undefined);
  const socket = connect(hub, { session });
  const poll = connect(hub, { session });
  for (const { client } of [socket, poll]) await client.subscribe('c');
  poll.client.closed(true);
  socket.client.closed();
  await turn();
  assert.deepEqual(comings(watcher, watcher), [`join ${session.client}`]);
  await hub.close();
});

test('who was on a node that died is gone when the lease ends', async () => {
  const broker = new MemoryBroker();
  const hub = makeHub(broker, 300);
  const watcher = new AttentiveOutlet();
  connect(hub, { outlet: watcher });
  await watcher.client.subscribe('c');
  // What a node leaves behind that can say nothing more.
  broker.lease('presence/c/lost/node', 300, JSON.stringify({ client: 'lost' }));
  broker.signal('c', JSON.stringify({ event: 'join', member: { client: 'lost' } }));
  assert.equal((await hub.members('c')).length, 2);
  await heard(watcher, 'leave');
  assert.deepEqual(comings(watcher, watcher), ['join lost', 'leave lost']);
  assert.equal((await hub.members('c')).length, 1);
  await hub.close();
});

test('what the server itself follows is not present, and no client', async () => {
  const hub = makeHub(new MemoryBroker());
  const heard: unknown[] = [];
  const end = await hub.channel('c').subscribe((value) => heard.push(value));
  await hub.channel('c').publish({ n: 1 });
  assert.deepEqual([heard, await hub.members('c'), hub.clients.size, hub.counts().open], [[{ n: 1 }], [], 0, 0]);
  assert.deepEqual([hub.counts().byTransport.local, hub.counts().peak], [1, 0]);
  end();
  assert.equal(hub.counts().channels, 0);
  await hub.close();
});
