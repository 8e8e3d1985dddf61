// Down and up again between transports, by what networks do to each of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel } from '@pulsebeacon/client';
import { WebSocket } from '@pulsebeacon/websocket';
import { Log, serve, type Site, until } from '../support/site.ts';

/** Publishes numbers on the server, all the time. */
class Ticker {
  sent = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(site: Site) {
    this.timer = setInterval(() => void site.hub.channel<number>('news').publish(this.sent++), 10);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Everything that was published has come: each once, in order. */
  async settle(log: Log<number>): Promise<void> {
    this.stop();
    await log.reaches(this.sent);
    assert.deepEqual(
      log.data,
      Array.from({ length: this.sent }, (_, at) => at),
    );
    assert.deepEqual(log.notRecovered, []);
  }
}

async function follow(channel: Channel<number>): Promise<Log<number>> {
  const log = new Log(channel);
  await log.ready;
  return log;
}

test('a proxy that strips Upgrade: ndjson takes over, and says why', async (t) => {
  const site = await serve(t, {}, { stripUpgrade: true });
  const beacon = site.connect({ upgradeAfter: 60_000 });
  const reasons: string[] = [];
  beacon.on('statechange', ({ reason }) => reasons.push(reason));
  const log = await follow(beacon.channel('news'));
  assert.equal(beacon.transport, 'ndjson');
  assert(
    reasons.some((reason) => reason.includes('something between here and the server blocks WebSocket')),
    reasons.join(),
  );
  const ticker = new Ticker(site);
  await log.reaches(3);
  await ticker.settle(log);
});

test('an upgrade that is accepted, and nothing arrives: ndjson takes over', async (t) => {
  const site = await serve(t, {}, { muteUpgraded: true });
  const beacon = site.connect({ upgradeAfter: 60_000 });
  await follow(beacon.channel('news'));
  assert.equal(beacon.transport, 'ndjson');
});

test('a proxy that holds back streams and strips Upgrade: long poll takes over', async (t) => {
  const site = await serve(t, {}, { stripUpgrade: true, bufferResponses: true });
  const beacon = site.connect({ upgradeAfter: 60_000 });
  const log = await follow(beacon.channel('news'));
  assert.equal(beacon.transport, 'poll');
  const ticker = new Ticker(site);
  await log.reaches(3);
  await beacon.channel('news').publish(-1);
  await log.until(({ data }) => data.includes(-1));
  ticker.stop();
});

test('a WebSocket whose welcome is lost, and that lives: another takes its place at once', async (t) => {
  const site = await serve(t);
  let sockets = 0;
  /** What the first one is sent is lost, but for heartbeats. */
  class Lossy extends WebSocket {
    constructor(url: string) {
      super(url);
      if (++sockets > 1) return;
      const lose = (event: MessageEvent): void => {
        if (event.data !== '{"type":"heartbeat"}') event.stopImmediatePropagation();
      };
      this.addEventListener('message', lose as (event: unknown) => void);
    }
  }
  // A heartbeat comes every 200 ms, long before this: each would put it off.
  const beacon = site.connect({ WebSocket: Lossy, transports: ['websocket'], openTimeout: 10_000 });
  const { reason } = await until(beacon, 'connecting', ({ retryIn }) => retryIn !== undefined);
  assert.equal(reason, 'no welcome');
  await until(beacon, 'online');
  assert.equal(sockets, 2);
});

test('a WebSocket that stalls in mid-life: down within 1.5 heartbeats, and up again later, by position', async (t) => {
  const site = await serve(t, {}, { muteUpgraded: false });
  const beacon = site.connect({ transports: ['websocket', 'ndjson'], upgradeAfter: 300 });
  const log = await follow(beacon.channel('news'));
  assert.equal(beacon.transport, 'websocket');
  const ticker = new Ticker(site);
  await log.reaches(3);
  site.proxy.set({ muteUpgraded: true });
  const { reason } = await until(beacon, 'recovering');
  assert.match(reason, /nothing has arrived by websocket for 0\.3 s/);
  await until(beacon, 'online', ({ transport }) => transport === 'ndjson');
  await log.reaches(log.data.length + 3);
  site.proxy.set();
  await until(beacon, 'online', ({ transport }) => transport === 'websocket');
  await log.reaches(log.data.length + 3);
  await ticker.settle(log);
});

test('a network that freezes is noticed, and everything comes when it thaws', async (t) => {
  const site = await serve(t);
  const beacon = site.connect({ upgradeAfter: 300 });
  const log = await follow(beacon.channel('news'));
  const ticker = new Ticker(site);
  await log.reaches(3);
  site.proxy.set({ freeze: true });
  const { reason } = await until(beacon, 'recovering');
  assert.match(reason, /nothing has arrived by websocket for 0\.3 s/);
  site.proxy.set();
  await until(beacon, 'online');
  await ticker.settle(log);
});

test('connections that are cut again and again: by position, whatever the transport', async (t) => {
  const site = await serve(t, {}, { cutAfter: 150 });
  const beacon = site.connect({ upgradeAfter: 200 });
  const log = await follow(beacon.channel('news'));
  const ticker = new Ticker(site);
  await log.reaches(100);
  site.proxy.set();
  await ticker.settle(log);
});

test('a server that goes away says when to come back, and the client does', async (t) => {
  const site = await serve(t);
  const beacon = site.connect();
  await follow(beacon.channel('news'));
  const gone = until(beacon, 'recovering');
  void site.hub.drain(0);
  const { reason } = await gone;
  assert.match(reason, /shutting down/);
});
