// What a hub tells of one client, and of those that have gone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientTap, Hub } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { newSession } from '#dist/session-token.js';
import { connect, TestOutlet } from './support/test-outlet.ts';

const PUBLICATION = { kind: 'text', contentType: 'text/plain', data: 'x' } as const;

function notes(): { seen: string[]; tap: ClientTap } {
  const seen: string[] = [];
  const nameOf = (said: object): string => ('type' in said ? String(said.type) : 'a publication');
  return {
    seen,
    tap: {
      sent: (said) => seen.push(`sent ${nameOf(said)}`),
      received: (said) => seen.push(`received ${nameOf(said)}`),
    },
  };
}

test('a tap is told what goes to a client and comes from it, until it is ended', async () => {
  const hub = new Hub();
  const { client } = connect(hub);
  const { seen, tap } = notes();
  const end = hub.tap(client.id, tap);
  await client.execute({ type: 'subscribe', id: 1, channel: 'c', echo: true });
  await hub.publish('c', PUBLICATION);
  assert.deepEqual(seen, ['received subscribe', 'sent subscribed', 'sent a publication']);
  end();
  await hub.publish('c', PUBLICATION);
  assert.equal(seen.length, 3);
  await hub.close();
});

test('a tap goes with its client when that comes back by another connection', async () => {
  const hub = new Hub();
  const session = newSession(undefined);
  const { client: first } = connect(hub, { session });
  const { seen, tap } = notes();
  const end = hub.tap(first.id, tap);
  first.closed();
  const { client: second } = connect(hub, { session });
  await second.execute({ type: 'subscribe', channel: 'c', echo: true });
  assert.deepEqual(seen, ['received subscribe', 'sent subscribed']);
  end();
  assert.equal(second.tap, undefined);
  await hub.close();
});

test('a second tap takes the place of the first, whose end then changes nothing', async () => {
  const hub = new Hub();
  const { client } = connect(hub);
  const [first, second] = [notes(), notes()];
  const endFirst = hub.tap(client.id, first.tap);
  hub.tap(client.id, second.tap);
  endFirst();
  await client.execute({ type: 'subscribe', channel: 'c', echo: true });
  assert.deepEqual([first.seen.length, second.seen.length], [0, 2]);
  await hub.close();
});

test('clients that have gone are counted by why: what the server said, else the close code, else how they were connected', async () => {
  const hub = new Hub();
  const join = (transport: 'websocket' | 'sse' | 'poll') =>
    connect(hub, { outlet: new TestOutlet(false, transport) }).client;
  join('websocket').close(new WireError('PB_SLOW_SUBSCRIBER'));
  join('websocket').closed(false, 1001);
  join('sse').closed();
  join('poll').closed(true);
  assert.deepEqual(hub.counts().closedByReason, { PB_SLOW_SUBSCRIBER: 1, 1001: 1, left: 1, answered: 1 });
  await hub.close();
});
