// What becomes of a subscription that is refused, where nobody has an ear for it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BeaconError, type Channel } from '@pulsebeacon/client';
import type { Authenticator } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { serve, until } from '../support/site.ts';

const CLOSED = { namespaces: [{ match: 'closed', subscribe: 'granted' }, { match: '*' }] } as const;

/** What is said on the console from now on, and a way to wait for the next of it. */
function listen(t: TestContext): { said: unknown[][]; next(): Promise<void> } {
  const said: unknown[][] = [];
  let wake = (): void => {};
  t.mock.method(console, 'error', (...values: unknown[]) => {
    said.push(values);
    wake();
  });
  return { said, next: () => new Promise((resolve) => (wake = resolve)) };
}

/** Whoever says `Bearer good` is somebody. */
const authenticator: Authenticator = {
  authenticate({ authorization }) {
    if (authorization === undefined) return undefined;
    if (authorization !== 'Bearer good') throw new WireError('PB_UNAUTHENTICATED');
    return { id: 'ada', grants: [{ actions: ['subscribe'], channels: ['*'] }] };
  },
};

/** The server has answered everything that was asked before. */
async function answered(other: Channel): Promise<void> {
  await other.subscribe().ready;
}

test('it is said on the console, once for all who follow the channel', async (t) => {
  const { said } = listen(t);
  const beacon = (await serve(t, CLOSED)).connect();
  beacon.channel('closed').subscribe();
  beacon.channel('closed').subscribe(() => {});
  await answered(beacon.channel('open'));
  assert.equal(said.length, 1);
  const [[text, channel, error]] = said as [[string, string, BeaconError]];
  assert.deepEqual([text, channel], ['subscription ended:', 'closed']);
  assert(error instanceof BeaconError);
  assert.equal(error.code, 'PB_UNAUTHENTICATED');
});

test('not where somebody waits for it to be ready, listens for errors, or has it from a loop', async (t) => {
  const { said } = listen(t);
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

test('giving up is said once, though it was ready, and was waited for; and again where it is asked to try again', async (t) => {
  const { said, next } = listen(t);
  const site = await serve(t, { authenticator, ...CLOSED });
  let authorization = 'Bearer good';
  const beacon = site.connect({ authorization: () => authorization });
  await beacon.channel('closed').subscribe().ready;
  await beacon.channel('closed').subscribe().ready;
  await beacon.channel('open').subscribe().ready;
  authorization = 'Bearer bad';
  let saying = next();
  site.restart();
  await saying;
  saying = next();
  beacon.connect();
  await saying;
  assert.deepEqual(
    said.map(([text, error]) => [text, (error as BeaconError).code]),
    [
      ['given up:', 'PB_UNAUTHENTICATED'],
      ['given up:', 'PB_UNAUTHENTICATED'],
    ],
  );
});

test('giving up is not said where somebody listens for the state', async (t) => {
  const { said } = listen(t);
  const site = await serve(t, { authenticator, ...CLOSED });
  const beacon = site.connect({ authorization: 'Bearer bad' });
  beacon.channel('closed').subscribe();
  await until(beacon, 'offline');
  assert.deepEqual(said, []);
});

test('a loop beside it hears of it', async (t) => {
  const { said } = listen(t);
  const channel = (await serve(t, CLOSED)).connect().channel('closed');
  channel.subscribe();
  await assert.rejects(async () => {
    for await (const _ of channel);
  }, BeaconError);
  assert.deepEqual(said, []);
});
