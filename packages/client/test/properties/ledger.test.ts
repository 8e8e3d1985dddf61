// The checker: whatever networks do, every publication that was acknowledged is delivered once, in order, or the client was
// told that it cannot be. `npm run soak -- ledger` has its long form.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Entry, KINDS, Ledger, seeded, torment } from '../support/ledger.ts';
import { serve } from '../support/site.ts';

const SOAK = Number(process.env['PULSEBEACON_SOAK'] ?? 0);
const SEED = Number(process.env['PULSEBEACON_SEED'] ?? 0x5eed);
/** How long networks are bad. */
const SECONDS = SOAK > 0 ? Math.ceil(600 * SOAK) : 12;
const CLIENTS = SOAK > 0 ? 20 : 9;
const CHANNELS = ['long-1', 'long-2', 'short'];

test('nothing is lost, doubled or reordered in silence, however bad the network is', async (t) => {
  const random = seeded(SEED);
  const site = await serve(t, {
    namespaces: [
      { match: 'short', publish: 'anyone', history: { size: 10 } },
      { match: '*', publish: 'anyone', history: { size: 100_000 } },
    ],
  });
  const ledger = new Ledger();
  for (const channel of CHANNELS) await ledger.watch(site, channel);
  const beacons = Array.from({ length: CLIENTS }, (_, at) =>
    site.connect({ ...KINDS[at % KINDS.length], openTimeout: 400 }),
  );
  await Promise.all(
    beacons.flatMap((beacon, at) =>
      CHANNELS.map((channel) => ledger.follow(`client ${at}`, beacon.channel<Entry>(channel))),
    ),
  );

  const end = Date.now() + SECONDS * 1000;
  let faults = 0;
  const publishing = beacons.map(async (beacon, at) => {
    const replies: Promise<void>[] = [];
    for (let number = 0; Date.now() < end; number++) {
      // Several at once, and then none: order has to hold among those that are under way.
      const channel = beacon.channel<Entry>(CHANNELS[number % CHANNELS.length]!);
      replies.push(ledger.publish(channel, `${at}#${number}`));
      if (number % 4 === 3) await pause(40 + ((at * 7) % 30));
    }
    await Promise.all(replies);
  });
  while (Date.now() < end) {
    await torment(site, random, pause);
    faults++;
  }
  site.proxy.set();
  await Promise.all(publishing);
  for (let waited = 0; !ledger.isSettled() && waited < 10_000; waited += 50) await pause(50);
  assert.deepEqual(ledger.faults(), []);
  assert(ledger.publications > 100 && ledger.deliveries > ledger.publications);
  const row = { inputs: ledger.publications, deliveries: ledger.deliveries, faults, 'not recovered': ledger.gaps };
  t.diagnostic(`soak ${JSON.stringify({ what: 'client: publications through bad networks', ...row })}`);
});
