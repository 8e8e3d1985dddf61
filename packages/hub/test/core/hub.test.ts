import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, type HubHooks, MemoryBroker, RateTable } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { EncodingCache } from '#dist/encoded-publication.js';
import { resolveLimits } from '#dist/limits.js';
import { connect, TestOutlet } from './support/test-outlet.ts';

const PUBLICATION = { kind: 'text', contentType: 'text/plain', data: 'x' } as const;

test('the server publishes and follows where nobody else may', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', subscribe: 'nobody', publish: 'nobody' }] });
  const channel = hub.channel<{ n: number } | string | Uint8Array>('c');
  const heard: unknown[] = [];
  await channel.publish('missed');
  await channel.subscribe((value, { contentType }) => heard.push(value, contentType), { since: 'all' });
  await channel.publish({ n: 1 });
  await channel.publish(Uint8Array.of(1, 2), { contentType: 'image/png' });
  await channel.publish('<p>', { contentType: 'text/html' });
  assert.deepEqual(heard, [
    'missed',
    'text/plain; charset=utf-8',
    { n: 1 },
    'application/json',
    Uint8Array.of(1, 2),
    'image/png',
    '<p>',
    'text/html',
  ]);
  await hub.close();
});

test('what a handler of the server throws is told to the failed hook, and ends nothing', async () => {
  const failures: unknown[] = [];
  const hub = new Hub({ hooks: { failed: (error) => failures.push(error) } });
  const fault = new Error('a fault of the application');
  await hub.channel('c').subscribe(() => {
    throw fault;
  });
  await hub.publish('c', PUBLICATION);
  await hub.publish('c', PUBLICATION);
  assert.deepEqual(failures, [fault, fault]);
  await hub.close();
});

test('drain sends everybody away, resolves once they are gone, and ends what the server follows', async () => {
  const hub = new Hub();
  const outlets = Array.from({ length: 120 }, () => connect(hub));
  const ended: string[] = [];
  await hub.channel('c').subscribe(() => {}, { ended: ({ code }) => ended.push(code) });
  const last = outlets.at(-1)!;
  last.goes = false;
  const ends: string[] = [];
  const drain = async (): Promise<void> => {
    await hub.drain(200);
    ends.push('drained');
  };
  const draining = drain();
  assert.throws(() => connect(hub), { code: 'PB_HUB_DRAINING' });
  // To close is to wait no longer; nobody is told twice.
  const closing = hub.close();
  assert.equal(outlets.filter(({ closedWith }) => closedWith?.code === 'PB_HUB_DRAINING').length, 120);
  assert.deepEqual([ends, hub.clients.size], [[], 1]);
  last.client.closed();
  await draining;
  await closing;
  assert.deepEqual(ends, ['drained']);
  assert.deepEqual(ended, ['PB_HUB_DRAINING']);
  await hub.close();
  await assert.rejects(hub.publish('c', PUBLICATION), { code: 'PB_HUB_CLOSED' });
  await assert.rejects(
    hub.channel('c').subscribe(() => {}),
    { code: 'PB_HUB_CLOSED' },
  );
});

test('a hub is as full as its limit says; what the server follows does not count', async () => {
  const hub = new Hub({ limits: { maxClients: 1 } });
  await hub.channel('c').subscribe(() => {});
  const outlet = connect(hub);
  assert.throws(() => connect(hub), { code: 'PB_HUB_FULL' });
  outlet.client.closed();
  connect(hub);
  assert.deepEqual([hub.counts().accepted, hub.counts().peak], [2, 1]);
  await hub.close();
});

test('authorize may veto all that rules allow; what else it throws refuses as a fault of the server', async () => {
  const asked: string[] = [];
  const failures: unknown[] = [];
  let veto: Error | undefined = new WireError('PB_FORBIDDEN', 'not today');
  const hooks: HubHooks = {
    authorize(action, channel, principal) {
      asked.push(`${action} ${channel} ${principal?.id}`);
      if (veto !== undefined) throw veto;
    },
    failed: (error) => failures.push(error),
  };
  const hub = new Hub({ hooks, namespaces: [{ match: '*', publish: 'anyone', presence: true }] });
  const outlet = connect(hub, { principal: { id: 'ann', grants: [] } });
  const { client } = outlet;
  const all = async (): Promise<void> => {
    await client.execute({ type: 'publish', channel: 'c', data: 1, reach: false });
    await client.execute({ type: 'history', channel: 'c' });
    await client.execute({ type: 'presence', channel: 'c' });
    await client.execute({ type: 'subscribe', channel: 'c', echo: true, since: 'all' });
  };
  await all();
  assert.deepEqual(
    outlet.of('error').map(({ code, detail }) => `${code} ${detail}`),
    Array(4).fill('PB_FORBIDDEN not today'),
  );
  veto = new TypeError('a fault of the application');
  await all();
  assert.deepEqual(
    outlet
      .of('error')
      .slice(4)
      .map(({ code }) => code),
    Array(4).fill('PB_HUB_FAILED'),
  );
  assert.equal(failures.length, 4);
  veto = undefined;
  asked.length = 0;
  await all();
  assert.deepEqual(asked, ['publish c ann', 'history c ann', 'subscribe c ann', 'subscribe c ann', 'history c ann']);
  assert.deepEqual(hub.counts().refusedByCode, { PB_FORBIDDEN: 4, PB_HUB_FAILED: 4 });
  await hub.close();
});

test('hooks that throw change nothing, and are told to the failed hook', async () => {
  const failures: unknown[] = [];
  const fail = (): never => {
    throw new Error('a fault of the application');
  };
  const hooks: HubHooks = {
    opened: fail,
    closed: fail,
    delivered: fail,
    refused: fail,
    limited: fail,
    failed: (error) => failures.push(error),
  };
  const hub = new Hub({ hooks, limits: { commandRate: 1, commandBurst: 2 } });
  const outlet = connect(hub);
  await outlet.client.execute({ type: 'subscribe', channel: 'c', echo: true });
  await hub.publish('c', PUBLICATION);
  await outlet.client.execute({ type: 'unsubscribe', channel: 'other' });
  await outlet.client.execute({ type: 'unsubscribe', channel: 'other' });
  assert.deepEqual(outlet.texts, ['x']);
  assert.deepEqual(
    outlet.of('error').map(({ code }) => code),
    ['PB_NOT_SUBSCRIBED', 'PB_RATE'],
  );
  await hub.close();
  assert.equal(failures.length, 6);
});

test('reach says how many of this node a publication has come to, while others come, too', async () => {
  const hub = new Hub({ namespaces: [{ match: 'd', slowConsumer: 'drop' }] });
  const outlets = [connect(hub), connect(hub)];
  for (const { client } of outlets) await client.subscribe('d');
  assert.equal((await hub.publish('d', PUBLICATION)).reach, undefined);
  outlets[1]!.stall();
  const results = await Promise.all([1, 2].map(() => hub.publish('d', PUBLICATION, { reach: true })));
  assert.deepEqual(
    results.map(({ reach }) => reach),
    [
      { sent: 1, queued: 1, skipped: 0 },
      { sent: 1, queued: 0, skipped: 1 },
    ],
  );
  const first = await hub.publish('d', PUBLICATION, { reach: true, idempotencyKey: 'k' });
  const again = await hub.publish('d', PUBLICATION, { reach: true, idempotencyKey: 'k' });
  assert.equal(again.position, first.position);
  assert.deepEqual([again.duplicate, again.reach], [true, { sent: 0, queued: 0, skipped: 0 }]);
  assert.deepEqual((await hub.publish('nobody', PUBLICATION, { reach: true })).reach, again.reach);
  await hub.close();
});

test('a channel takes as much and as many as its rules say', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', maxMessageSize: 3, rate: 2 }] });
  await assert.rejects(hub.publish('c', { ...PUBLICATION, data: 'ää' }), {
    code: 'PB_PAYLOAD_TOO_LARGE',
    message: 'the payload has 4 bytes: a message of c has at most 3',
  });
  await hub.publish('c', { ...PUBLICATION, data: 'äb' });
  await hub.publish('c', { ...PUBLICATION, kind: 'binary', data: Uint8Array.of(1, 2, 3) });
  await assert.rejects(hub.publish('c', PUBLICATION), { code: 'PB_RATE' });
  await hub.publish('other', PUBLICATION);
  await hub.close();
});

test('whoever publishes in thousands of channels does not renew the rate of one', () => {
  const rates = new RateTable();
  let taken = 0;
  for (let index = 0; index < 30_000; index++) {
    rates.take(`c${index}`, 0.001, 1);
    if (index % 1000 === 0 && rates.take('busy', 0.001, 1)) taken++;
  }
  assert.equal(taken, 1);
});

test('nothing is left of clients and channels that are gone', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', presence: true, joinLeave: true }], broker: new MemoryBroker() });
  for (let round = 0; round < 50; round++) {
    const outlet = connect(hub, { outlet: new TestOutlet() });
    await outlet.client.subscribe(`c${round}`, { since: 'all' });
    outlet.stall();
    await hub.publish(`c${round}`, PUBLICATION, { reach: true });
    outlet.client.closed(round % 2 === 0);
  }
  await new Promise(setImmediate);
  const { open, channels, subscriptions, congested } = hub.counts();
  assert.deepEqual(
    { open, channels, subscriptions, congested },
    { open: 0, channels: 0, subscriptions: 0, congested: 0 },
  );
  assert.deepEqual(sizes(hub.presence), { attendances: 0, watches: 0, working: 0 });
  assert.deepEqual(sizes(hub.roster), { connected: 0, locals: 0, congested: 0, taps: 0 });
  assert.deepEqual(sizes(hub.followed), { states: 0 });
  await hub.close();
});

function sizes(owner: object): Record<string, number> {
  const collections = Object.entries(owner).filter(([, value]) => value instanceof Map || value instanceof Set);
  return Object.fromEntries(collections.map(([name, value]) => [name, (value as Set<unknown>).size]));
}

test('the cache of encodings finds what was read anew, and has an end', () => {
  const cache = new EncodingCache(10_000);
  const publication = (offset: number) => ({ ...PUBLICATION, channel: 'c', epoch: 'e', offset, time: 1 });
  const first = cache.get(publication(1));
  assert.equal(cache.get({ ...publication(1) }), first);
  assert.notEqual(cache.get({ ...publication(1), epoch: 'f' }), first);
  assert.notEqual(cache.get({ ...publication(1), channel: 'd' }), first);
  for (let offset = 2; offset < 100; offset++) cache.get(publication(offset));
  assert.notEqual(cache.get(publication(1)), first);
  cache.get({ ...publication(500), data: 'x'.repeat(20_000) });
});

test('limits are checked, each and together', () => {
  const cases: [object, RegExp][] = [
    [{ maxClient: 1 }, /there is no limit maxClient: maxClients, /],
    [{ heartbeat: 0 }, /heartbeat is 0: pass a whole number from 1/],
    [{ heartbeat: Infinity }, /heartbeat is Infinity/],
    [{ maxWait: 50_000 }, /presenceLifetime is 60000: pass at least twice maxWait, 100000/],
    [{ maxQueuedBytes: 1000 }, /maxQueuedBytes is 1000: pass at least sendHighWaterMark, 65536/],
  ];
  for (const [limits, message] of cases) {
    assert.throws(() => resolveLimits(limits), { code: 'PB_HUB_OPTION', message });
  }
  assert.equal(resolveLimits({ maxClients: Infinity }).maxClients, Infinity);
  assert.throws(() => new Hub({ sessionKey: 'short' }), { code: 'PB_HUB_OPTION' });
});
