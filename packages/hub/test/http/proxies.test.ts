// Behind proxies: who a client is to the authenticator, to hooks and to the rules for pages of other origins.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuthenticationRequest } from '@pulsebeacon/hub';
import type { HandshakeEvent } from '@pulsebeacon/websocket';
import { OPEN, Site, type SiteOptions } from '../support/site.ts';

const FORWARDED = {
  'X-Forwarded-For': '203.0.113.7',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'live.example',
};
const TRUSTING = { trustedProxies: { peers: ['loopback'] } };

type Seen = readonly [address: string | undefined, isProxied: boolean, secure: boolean];

/** A site, and whom its authenticator has seen. */
async function seeing(
  t: Parameters<typeof Site.start>[0],
  options: SiteOptions = {},
): Promise<{ site: Site; seen: Seen[] }> {
  const seen: Seen[] = [];
  const authenticate = ({ remoteAddress, isProxied, secure }: AuthenticationRequest): undefined =>
    void seen.push([remoteAddress, isProxied, secure]);
  const site = await Site.start(t, { ...OPEN, authenticator: { authenticate }, ...options });
  return { site, seen };
}

/** By POST, by WebSocket, and by a hello that brings credentials of its own. */
async function comeByAllWays(site: Site): Promise<void> {
  assert.equal((await site.post('/channels/news', 'x', FORWARDED)).status, 201);
  const sockets = [
    await site.socket('/channels/news', { headers: FORWARDED }),
    await site.socket('/connect', { headers: FORWARDED }),
  ];
  sockets[1]!.send(JSON.stringify({ type: 'hello', versions: [1], authorization: 'Bearer x' }));
  await site.connected(2);
}

const fourTimes = (seen: Seen): Seen[] => Array.from({ length: 4 }, () => seen);

describe('a hub behind proxies', () => {
  test('believes nobody by default', async (t) => {
    const { site, seen } = await seeing(t);
    await comeByAllWays(site);
    assert.deepEqual(seen, fourTimes(['127.0.0.1', false, false]));
    assert.deepEqual(
      [...site.hub.clients].map(({ origin }) => origin.remoteAddress),
      ['127.0.0.1', '127.0.0.1'],
    );
  });

  test('knows the client, where the proxy is one that it trusts', async (t) => {
    const { site, seen } = await seeing(t, TRUSTING);
    await comeByAllWays(site);
    assert.deepEqual(seen, fourTimes(['203.0.113.7', true, true]));
    assert.deepEqual(
      [...site.hub.clients].map(({ origin }) => origin.remoteAddress),
      ['203.0.113.7', '203.0.113.7'],
    );
  });

  test('compares origins with the host and the scheme that the client used', async (t) => {
    const site = await Site.start(t, { ...OPEN, ...TRUSTING });
    const publish = async (Origin: string): Promise<number> =>
      (await site.post('/channels/news', 'x', { ...FORWARDED, Origin })).status;
    assert.deepEqual([await publish('https://live.example'), await publish('http://live.example')], [201, 403]);
    await site.socket('/channels/news', { headers: FORWARDED, origin: 'https://live.example' });
    await assert.rejects(site.socket('/connect', { headers: FORWARDED, origin: site.url }));
    assert.deepEqual(
      site.refused.map(({ code }) => code),
      ['PB_ORIGIN_FORBIDDEN', 'PB_ORIGIN_FORBIDDEN'],
    );
  });

  test('tells of handshakes, and shows their steps to whom it may', async (t) => {
    const events: HandshakeEvent[] = [];
    const hooks = { handshake: (event: HandshakeEvent) => void events.push(event) };
    const site = await Site.start(t, { ...OPEN, ...TRUSTING, hooks, trace: ({ secure }) => secure });
    const traced = { headers: { ...FORWARDED, 'Pulse-Trace': '1' } };
    let trace: string | undefined;
    await site.socket('/channels/news', { ...traced, open: (_, { headers }) => (trace = headers.get('pulse-trace')) });
    assert.match(trace ?? '', /client "203\.0\.113\.7, behind 127/);
    assert.deepEqual(
      events.map(({ status, remoteAddress, url }) => [status, remoteAddress, url]),
      [[101, '203.0.113.7', '/channels/news']],
    );
  });

  test('says at once what cannot be trusted', async (t) => {
    await assert.rejects(Site.start(t, { trustedProxies: { peers: ['proxy.example'] } }), {
      code: 'PB_OPTION_INVALID',
    });
  });
});
