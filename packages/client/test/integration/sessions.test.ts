// Who a client is, across everything; and what cannot succeed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Authenticator, Hub, MemoryBroker } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { Log, serve, until } from '../support/site.ts';

/** Whoever says `Bearer good` is somebody. */
const authenticator: Authenticator = {
  authenticate({ authorization }) {
    if (authorization === undefined) return undefined;
    if (authorization !== 'Bearer good') throw new WireError('PB_UNAUTHENTICATED');
    return { id: 'ada', grants: [{ actions: ['publish', 'subscribe', 'history'], channels: ['*'] }] };
  },
};
const PRIVATE = [{ match: '*', subscribe: 'granted', publish: 'granted', presence: true }] as const;

test('it comes back as the same client, by another transport too', async (t) => {
  const site = await serve(t);
  const beacon = site.connect({ transports: ['websocket', 'ndjson'] });
  await new Log(beacon.channel('news')).ready;
  const { client } = beacon;
  site.proxy.set({ stripUpgrade: true });
  site.proxy.cut();
  await until(beacon, 'online', ({ transport }) => transport === 'ndjson');
  assert.equal(beacon.client, client);
});

for (const transport of ['websocket', 'sse'] as const) {
  test(`a connection that outlives its session is renewed, so that it comes back as the same client, by ${transport}`, async (t) => {
    const now = Date.now.bind(Date);
    let later = 0;
    t.mock.method(Date, 'now', () => now() + later);
    // Far enough apart that a machine that is busy misses none.
    const site = await serve(t, { limits: { heartbeat: 2000 } });
    const beacon = site.connect({ transports: [transport] });
    await new Log(beacon.channel('news')).ready;
    const { client } = beacon;
    const states: string[] = [];
    beacon.on('statechange', ({ state }) => states.push(state));
    // Of the hour that it lasts, between half and three quarters are over when another one is asked for.
    later = 50 * 60_000;
    while (site.proxy.connections < 2 || site.proxy.size > 1) await new Promise((resolve) => setTimeout(resolve, 10));
    later = 80 * 60_000;
    assert.deepEqual(states, []);
    site.proxy.cut('reset');
    await until(beacon, 'recovering');
    await until(beacon, 'online');
    assert.equal(beacon.client, client);
  });
}

for (const transport of ['websocket', 'sse', 'poll'] as const) {
  test(`a session that has expired is followed by another, and positions stay, by ${transport}`, async (t) => {
    const site = await serve(t);
    const beacon = site.connect({ transports: [transport] });
    const log = new Log<number>(beacon.channel('news'));
    await log.ready;
    const { client } = beacon;
    // What it has is not worth anything any more, as after a change of keys.
    const other = new Hub({ sessionKey: 'another key of 16 bytes' });
    Object.defineProperty(site.hub, 'sessions', { value: other.sessions });
    site.proxy.set({ refuse: true });
    site.proxy.cut('reset');
    await site.hub.channel<number>('news').publish(1);
    site.proxy.set();
    await log.reaches(1);
    await until(beacon, 'online');
    assert.notEqual(beacon.client, client);
    assert.deepEqual([log.data, log.notRecovered], [[1], []]);
    await beacon.channel<number>('news').publish(2);
    await log.reaches(2);
    await other.close();
  });

  test(`credentials are shown by ${transport}; a function is asked again where they are refused`, async (t) => {
    const site = await serve(t, { authenticator, namespaces: PRIVATE });
    let asked = 0;
    const authorization = () => Promise.resolve(++asked === 1 ? 'Bearer old' : 'Bearer good');
    const beacon = site.connect({ transports: [transport], authorization });
    const channel = beacon.channel('news');
    await channel.subscribe().ready;
    await channel.publish(1);
    assert.deepEqual(await channel.presence(), [{ client: beacon.client, principal: 'ada' }]);
  });

  test(`it gives up where credentials are refused by ${transport}, says why, and tries again when it is asked to`, async (t) => {
    const site = await serve(t, { authenticator, namespaces: PRIVATE });
    let authorization = 'Bearer bad';
    const beacon = site.connect({ transports: [transport], authorization: () => authorization });
    const channel = beacon.channel('news');
    const log = new Log(channel);
    const publishing = channel.publish(1);
    const { error } = await until(beacon, 'offline');
    assert.equal(error!.code, 'PB_UNAUTHENTICATED');
    await assert.rejects(publishing, { code: 'PB_UNAUTHENTICATED' });
    await assert.rejects(log.ready, { code: 'PB_UNAUTHENTICATED' });
    await assert.rejects(channel.publish(2), { code: 'PB_UNAUTHENTICATED' });
    authorization = 'Bearer good';
    beacon.connect();
    await until(beacon, 'online');
    await channel.publish(3);
    await log.reaches(1);
    assert.deepEqual(log.data, [3]);
  });
}

test('a server that has lost its data says so, and what it publishes from then on is complete', async (t) => {
  const site = await serve(t);
  const beacon = site.connect();
  const log = new Log<number>(beacon.channel('news'));
  await log.ready;
  await site.hub.channel<number>('news').publish(1);
  await log.reaches(1);
  const next = await serve(t, { broker: new MemoryBroker() });
  site.proxy.aim(next.port);
  site.proxy.cut('reset');
  await log.until(({ notRecovered }) => notRecovered.length > 0);
  await next.hub.channel<number>('news').publish(2);
  await log.reaches(2);
  assert.deepEqual(log.data, [1, 2]);
});

test('close() ends it for good: what waits is rejected, loops throw, and nothing comes back', async (t) => {
  const site = await serve(t);
  const beacon = site.connect();
  const channel = beacon.channel('news');
  await channel.subscribe().ready;
  const loop = (async () => {
    for await (const _ of channel);
  })();
  site.proxy.set({ freeze: true });
  const publishing = channel.publish(1);
  beacon.close();
  await assert.rejects(publishing, { code: 'PB_CLIENT_CLOSED' });
  await assert.rejects(loop, { code: 'PB_CLIENT_CLOSED' });
  await assert.rejects(channel.publish(2), { code: 'PB_CLIENT_CLOSED' });
  assert.equal(beacon.state, 'offline');
});
