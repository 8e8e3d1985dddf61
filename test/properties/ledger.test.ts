// The checker: whatever networks and servers do, every publication that was acknowledged is delivered once, in order, or the
// client was told that it cannot be. `npm run soak -- ledger` has its long form.
// slow: a minute of faults
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Beacon, BeaconError, type BeaconOptions, type Channel } from '@pulsebeacon/client';
import { FaultProxy } from '@pulsebeacon/contracts/fault-proxy';
import { type Entry, Ledger } from '@pulsebeacon/contracts/ledger';
import { WebSocket } from '@pulsebeacon/websocket';
import { temporaryFolder } from '../support/cleanup.ts';
import { KillableServer } from '../support/killable.ts';
import { Random } from '../support/random.ts';
import { torment } from '../support/torment.ts';

const SOAK = Number(process.env['PULSEBEACON_SOAK'] ?? 0);
const SEED = Number(process.env['PULSEBEACON_SEED'] ?? 0x5eed);
/** How long everything is bad. */
const SECONDS = SOAK > 0 ? Math.ceil(600 * SOAK) : 45;
const CLIENTS = 20;
/** Each has a network of its own, which breaks by itself. */
const NETWORKS = 5;
/** `short` does not keep enough for those who are away for long. */
const CHANNELS = ['long-1', 'long-2', 'short'] as const;
const CONFIG = `namespaces:
  - match: short
    publish: anyone
    history: { size: 10 }
  - match: '*'
    publish: anyone
    history: { size: 1000000, age: 3600s }
`;

/** By each transport alone, and by all of them. */
const KINDS: readonly BeaconOptions[] = [
  {},
  { transports: ['websocket'] },
  { transports: ['ndjson'] },
  { transports: ['sse'] },
  { transports: ['poll'] },
  { transports: ['ndjson', 'poll'] },
];

interface Published {
  readonly id: string;
}

/** A client as a page has it, but in a hurry to come back, and to a better transport. */
const connect = (port: number, kind: BeaconOptions): Beacon =>
  new Beacon(`http://127.0.0.1:${port}`, {
    WebSocket,
    rememberFor: 0,
    upgradeAfter: 3000,
    backoffBase: 200,
    backoffCap: 2000,
    ...kind,
  });

async function follow(ledger: Ledger, name: string, channel: Channel<Published>): Promise<void> {
  const follower = ledger.follow(name, channel.name);
  channel.on('notRecovered', () => follower.gap());
  await channel.subscribe(({ position, data: { id } }) => follower.delivered({ position, id })).ready;
}

async function publish(ledger: Ledger, channel: Channel<Published>, id: string): Promise<void> {
  try {
    const { position } = await channel.publish({ id });
    ledger.acknowledge(channel.name, { position, id });
  } catch (error) {
    // Nothing was promised.
    if (!(error instanceof BeaconError)) throw error;
  }
}

/** Publishes several at once, and then none: order has to hold among those that are under way. */
async function publishAll(ledger: Ledger, beacon: Beacon, at: number, end: number): Promise<void> {
  const replies: Promise<void>[] = [];
  for (let number = 0; Date.now() < end; number++) {
    const channel = beacon.channel<Published>(CHANNELS[number % CHANNELS.length]!);
    replies.push(publish(ledger, channel, `${at}#${number}`));
    if (number % 4 === 3) await pause(600 + ((at * 70) % 300));
  }
  await Promise.all(replies);
}

/** All that the server keeps of a channel. */
async function readAll(channel: Channel<Published>): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let since = 'all'; ; since = entries.at(-1)!.position) {
    const { publications, more } = await channel.history({ since });
    entries.push(...publications.map(({ position, data: { id } }) => ({ position, id })));
    if (!more) return entries;
  }
}

test('nothing is lost, doubled or reordered in silence, however bad networks are, and with kill -9 of the server', async (t) => {
  const folder = await temporaryFolder(t);
  const config = path.join(folder, 'ledger.yaml');
  await writeFile(config, CONFIG);
  const args = ['--config', config, '--data', path.join(folder, 'data')];
  const server = new KillableServer(t, [...args, '--message-rate', 'off', '--handshake-rate', 'off']);
  await server.start();
  const proxies = await Promise.all(Array.from({ length: NETWORKS }, () => FaultProxy.start(server.port)));
  t.after(() => Promise.all(proxies.map((proxy) => proxy.close())));
  const beacons = Array.from({ length: CLIENTS }, (_, at) =>
    connect(proxies[at % NETWORKS]!.port, KINDS[at % KINDS.length]!),
  );
  t.after(() => beacons.forEach((beacon) => beacon.close()));

  const ledger = new Ledger();
  let changes = 0;
  for (const beacon of beacons) {
    let before = beacon.transport;
    beacon.on('statechange', ({ transport }) => {
      if (before !== undefined && transport !== before) changes++;
      before = transport;
    });
  }
  await Promise.all(
    beacons.flatMap((beacon, at) =>
      CHANNELS.map((channel) => follow(ledger, `client ${at}`, beacon.channel<Published>(channel))),
    ),
  );

  const end = Date.now() + SECONDS * 1000;
  const publishing = beacons.map((beacon, at) => publishAll(ledger, beacon, at, end));
  const { faults, kills } = await torment(server, proxies, SECONDS, new Random(SEED));
  await Promise.all(publishing);
  const direct = connect(server.port, {});
  t.after(() => direct.close());
  for (const channel of CHANNELS) {
    if (channel !== 'short') ledger.keep(channel, await readAll(direct.channel<Published>(channel)));
  }
  await ledger.settled(AbortSignal.timeout(20_000));
  assert.deepEqual(ledger.faults(), []);
  const { publications, deliveries } = ledger;
  // Else nothing much was tried.
  assert(publications > 10 * SECONDS && deliveries > 10 * publications, `${publications} publications`);
  assert(
    kills > SECONDS / 30 && faults > SECONDS / 3 && changes > 0,
    `${kills} kills, ${faults} faults, ${changes} hops`,
  );
  const what = 'client: publications through bad networks, and a server that is killed';
  const row = {
    what,
    inputs: publications,
    deliveries,
    faults,
    kills,
    'other transport': changes,
    'not recovered': ledger.gaps(),
  };
  t.diagnostic(`soak ${JSON.stringify({ ...row, seconds: SECONDS })}`);
});
