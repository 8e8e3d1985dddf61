// What becomes of a subscription that is refused, where nobody has an ear for it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BeaconError, type Channel } from '@pulsebeacon/client';
import type { Authenticator } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { serve, until } from '../support/site.ts';

const CLOSED = { namespaces: [{ match: 'closed', subscribe: 'granted' }, { match: '*' }] } as const;

/** What is said on the console from now on. */
function listen(t: TestContext): unknown[][] {
  const said: unknown[][] = [];
  t.mock.method(console, 'error', (...values: unknown[]) => void said.push(values));
  return said;
}

/** The server has answered everything that was asked before. */
async function answered(other: Channel): Promise<void> {
  await other.subscribe().ready;
}

test('it is said on the console, once for all who follow the channel', async (t) => {
  const said = listen(t);
  const beacon = (await serve(t, CLOSED)).connect();
  beacon.channel('closed').subscribe();
  beacon.channel('closed').subscribe(() => {});
  await answered(beacon.channel('open'));
  assert.equal(said.length, 1);
  const [[channel, error]] = said as [[string, BeaconError]];
  assert.equal(channel, 'closed');
  assert(error instanceof BeaconError);
  assert.equal(error.code, 'PB_UNAUTHENTICATED');
});

test('not where somebody waits for it to be ready, listens for errors, or has it from a loop', async (t) => {
  const said = listen(t);
  const site = await serve(t, CLOSED);
  await assert.rejects(site.connect().channel('closed').subscribe().ready, BeaconError);
  const heard = site.connect().channel('closed');
  const errors: BeaconError[] = [];
  heard.on('error', (error) => void errors.push(error));
  heard.subscribe();
  await assert.rejects(async () => {
    for await (const _ of site.connect().channel('closed'));
  }, BeaconError);
  const other = site.connect();
  other.channel('open').subscribe();
  await until(other, 'online');
  other.close();
  assert.deepEqual(said, []);
  assert.equal(errors.length, 1);
});

test('also what was ready, and was waited for, where the beacon gives up', async (t) => {
  const said = listen(t);
  const authenticator: Authenticator = {
    authenticate({ authorization: shown }) {
      if (shown === undefined) return undefined;
      if (shown !== 'Bearer good') throw new WireError('PB_UNAUTHENTICATED');
      return { id: 'ada', grants: [{ actions: ['subscribe'], channels: ['*'] }] };
    },
  };
  const site = await serve(t, { authenticator, ...CLOSED });
  let authorization = 'Bearer good';
  const beacon = site.connect({ authorization: () => authorization });
  await beacon.channel('closed').subscribe().ready;
  authorization = 'Bearer bad';
  site.restart();
  await until(beacon, 'offline');
  assert.deepEqual(
    said.map(([channel, error]) => [channel, (error as BeaconError).code]),
    [['closed', 'PB_UNAUTHENTICATED']],
  );
});
