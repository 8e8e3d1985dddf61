// Each transport, against a real hub.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BeaconError, type TransportName } from '@pulsebeacon/client';
import { Log, serve, until } from '../support/site.ts';

const TRANSPORTS: readonly TransportName[] = ['websocket', 'ndjson', 'sse', 'poll'];

for (const transport of TRANSPORTS) {
  describe(transport, () => {
    test('follows, publishes, asks, and hears who comes and goes', async (t) => {
      const site = await serve(t);
      const beacon = site.connect({ transports: [transport] });
      const channel = beacon.channel<unknown>('news');
      const log = new Log(channel);
      await log.ready;
      assert.equal(beacon.state, 'online');
      assert.equal(beacon.transport, transport);
      const published = await channel.publish({ a: 1 });
      await channel.publish('text', { contentType: 'text/plain' });
      await channel.publish(new Uint8Array([0, 255, 7]), { key: 'k' });
      await log.reaches(3);
      assert.deepEqual(log.data, [{ a: 1 }, 'text', new Uint8Array([0, 255, 7])]);
      assert.equal(log.positions[0], published.position);
      assert.equal(channel.position, log.positions[2]);
      const { publications, complete, more } = await channel.history({ since: 'all', limit: 2 });
      assert.deepEqual([publications.length, complete, more], [2, true, true]);
      assert.deepEqual(publications[1]!.data, 'text');
      assert.deepEqual(await channel.presence(), [{ client: beacon.client }]);
      const joined = new Promise<unknown>((resolve) =>
        channel.on('join', (member) => member.client !== beacon.client && resolve(member)),
      );
      const other = site.connect();
      await other.channel('news').subscribe().ready;
      assert.deepEqual(await joined, { client: other.client });
    });

    test('many channels go over one connection, and come and go', async (t) => {
      const site = await serve(t);
      const beacon = site.connect({ transports: [transport] });
      const first = new Log(beacon.channel('a'));
      await first.ready;
      const names = Array.from({ length: 20 }, (_, at) => `c${at}`);
      const logs = names.map((name) => new Log(beacon.channel(name)));
      await Promise.all(logs.map(({ ready }) => ready));
      for (const name of ['a', ...names]) await site.hub.channel<number>(name).publish(1);
      await Promise.all([first, ...logs].map((log) => log.reaches(1)));
      const subscription = beacon.channel('b').subscribe(() => assert.fail('it was left'));
      await subscription.ready;
      subscription.unsubscribe();
      await beacon.channel('b').publish(1);
      await beacon.channel('a').publish(2);
      await first.reaches(2);
      assert.deepEqual(first.data, [1, 2]);
    });

    test('comes back after a cut by position: nothing is lost, nothing comes twice', async (t) => {
      const site = await serve(t);
      const beacon = site.connect({ transports: [transport] });
      const log = new Log<number>(beacon.channel('news'));
      await log.ready;
      for (let round = 0; round < 4; round++) {
        await site.hub.channel<number>('news').publish(round * 2);
        site.proxy.cut(round % 2 === 0 ? 'end' : 'reset');
        await site.hub.channel<number>('news').publish(round * 2 + 1);
        await log.reaches(2 * round + 2);
      }
      assert.deepEqual(log.data, [0, 1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual(log.notRecovered, []);
    });

    test('what cannot be recovered is an event with the current state', async (t) => {
      const site = await serve(t, { namespaces: [{ match: '*', publish: 'anyone', history: { size: 2 } }] });
      const beacon = site.connect({ transports: [transport] });
      const log = new Log<number>(beacon.channel('news'));
      await log.ready;
      await site.hub.channel<number>('news').publish(0);
      await log.reaches(1);
      site.proxy.set({ refuse: true });
      site.proxy.cut();
      for (let at = 1; at < 9; at++) await site.hub.channel<number>('news').publish(at);
      site.proxy.set();
      await log.until(({ notRecovered }) => notRecovered.length > 0);
      const [{ state, since, position }] = log.notRecovered as [
        { state: { data: number }; since: string; position: string },
      ];
      assert.equal(state.data, 8);
      assert.equal(since, log.positions[0]);
      await site.hub.channel<number>('news').publish(9);
      await log.until(({ data }) => data.includes(9));
      assert.deepEqual(log.data, [0, 9]);
      assert.notEqual(position, since);
    });

    test('what is published while offline is published once, in order, when it is back', async (t) => {
      const site = await serve(t);
      const beacon = site.connect({ transports: [transport] });
      const channel = beacon.channel<number>('news');
      const log = new Log(channel);
      await log.ready;
      site.proxy.set({ refuse: true });
      site.proxy.cut('reset');
      await until(beacon, 'offline');
      const replies = Array.from({ length: 10 }, (_, at) => channel.publish(at));
      assert.equal(beacon.queued, 10);
      site.proxy.set();
      await Promise.all(replies);
      await log.reaches(10);
      assert.deepEqual(log.data, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    test('what waited for long goes out no faster than the server takes it, and none is refused for good', async (t) => {
      const site = await serve(t, { limits: { commandRate: 1000, commandBurst: 100 } });
      const beacon = site.connect({ transports: [transport] });
      const channel = beacon.channel<number>('news');
      const log = new Log(channel);
      await log.ready;
      site.proxy.set({ refuse: true });
      site.proxy.cut('reset');
      await until(beacon, 'offline');
      const replies = Array.from({ length: 600 }, (_, at) => channel.publish(at));
      site.proxy.set();
      await Promise.all(replies);
      await log.reaches(600);
      assert.equal(new Set(log.data).size, 600);
    });

    test('a command that is refused rejects with what the server says', async (t) => {
      const site = await serve(t, {
        namespaces: [
          { match: 'open', publish: 'anyone' },
          { match: '*', publish: 'nobody', subscribe: 'granted' },
        ],
      });
      const beacon = site.connect({ transports: [transport] });
      const isForbidden = (error: unknown): boolean =>
        error instanceof BeaconError && /^PB_(FORBIDDEN|UNAUTHENTICATED)$/.test(error.code) && !error.retry;
      await assert.rejects(beacon.channel('closed').publish(1), isForbidden);
      await assert.rejects(beacon.channel('closed').subscribe().ready, isForbidden);
      await beacon.channel('open').publish(1);
      assert.equal(beacon.state, 'online');
    });
  });
}

test('a long poll that follows nothing stays online, and follows at once what it is asked to', async (t) => {
  const site = await serve(t);
  const beacon = site.connect({ transports: ['poll'] });
  await until(beacon, 'online');
  const states: string[] = [];
  beacon.on('statechange', ({ state }) => states.push(state));
  // Longer than a poll may be silent.
  await new Promise((resolve) => setTimeout(resolve, 1800));
  const begin = performance.now();
  const log = new Log(beacon.channel('news'));
  await log.ready;
  assert(performance.now() - begin < 900, 'not after the wait of a poll');
  await site.hub.channel('news').publish(1);
  await log.reaches(1);
  assert.deepEqual(states, []);
});
