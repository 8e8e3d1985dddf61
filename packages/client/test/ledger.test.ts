// The checker looks: it finds what is lost, doubled, out of order, and acknowledged but not there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel, Publication } from '@pulsebeacon/client';
import { type Entry, Ledger } from './support/ledger.ts';
import { serve, type Site } from './support/site.ts';

/** A ledger of five publications, and of a client that had them as the test says. */
async function fault(site: Site, had: readonly (number | 'gap')[]): Promise<string[]> {
  const ledger = new Ledger();
  const name = `c${Math.random()}`.replace('0.', '');
  await ledger.watch(site, name);
  const positions: string[] = [];
  for (let at = 0; at < 5; at++) {
    positions.push((await site.hub.channel<Entry>(name).publish({ id: `0#${at}` })).position);
  }
  let onGap = (): void => {};
  let onPublication: (publication: Publication<Entry>) => void = () => {};
  const channel = {
    name,
    on: (_: string, listener: () => void) => (onGap = listener),
    subscribe(handler: (publication: Publication<Entry>) => void) {
      onPublication = handler;
      return { ready: Promise.resolve() };
    },
  };
  await ledger.follow('client', channel as unknown as Channel<Entry>);
  for (const at of had) {
    if (at === 'gap') onGap();
    else onPublication({ position: positions[at]!, data: { id: `0#${at}` } } as Publication<Entry>);
  }
  return ledger.faults();
}

test('what is as promised has no fault', async (t) => {
  const site = await serve(t);
  assert.deepEqual(await fault(site, [0, 1, 2, 3, 4]), []);
  assert.deepEqual(await fault(site, [0, 'gap', 3, 4]), []);
  assert.deepEqual(await fault(site, [0, 1, 'gap']), []);
});

test('what is not, has', async (t) => {
  const site = await serve(t);
  for (const had of [
    [0, 2, 3, 4],
    [0, 1, 2, 3],
    [0, 1, 1, 2, 3, 4],
    [0, 2, 1, 3, 4],
    [1, 2, 3, 4],
    [0, 'gap', 2, 4],
  ] as const) {
    assert.equal((await fault(site, had)).length > 0, true, had.join());
  }
});

test('what is acknowledged and not there, or there twice, is found', async (t) => {
  const site = await serve(t);
  const ledger = new Ledger();
  await ledger.watch(site, 'a');
  const channel = { name: 'a', publish: () => Promise.resolve({ position: 'x.1', duplicate: false }) };
  await ledger.publish(channel as unknown as Channel<Entry>, '0#0');
  assert.match(ledger.faults().join(), /0#0 was acknowledged at x\.1 of a, and is not there/);
  for (const number of [1, 1, 0]) await site.hub.channel<Entry>('a').publish({ id: `1#${number}` });
  assert.match(ledger.faults().join(), /1 publications of a are there twice.*1#0 was published after a later one/);
});
