// What the page can say where the server, or something before it, does not let it in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Authenticator } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { ClientSite } from '../../support/client-site.ts';
import type { Stage } from './stage.ts';

const TRANSPORTS = ['websocket', 'ndjson', 'sse', 'poll'] as const;
const NOT_LISTED = 'the server answers, but not to pages of this origin: allowedOrigins has to list it';

/** Lets in whoever shows nothing. */
const authenticator: Authenticator = {
  authenticate({ authorization }) {
    if (authorization !== undefined) throw new WireError('PB_UNAUTHENTICATED', 'nobody knows it');
    return undefined;
  },
};

export function testRefusals(stage: Stage): void {
  test('401, by whatever transport: it gives up, and has status and challenge', async (t) => {
    const { site, page } = await stage.open(t);
    site.gate = { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="gate"' } };
    for (const transport of TRANSPORTS) {
      await page.begin({ transports: [transport] });
      const seen = await page.until('seen.code');
      assert.deepEqual(
        [seen.state, seen.code, seen.answered, seen.challenge, seen.reason],
        ['offline', 'PB_CLIENT_OFFLINE', 401, 'Bearer realm="gate"', 'the server answers 401'],
      );
    }
  });

  test('503 with Retry-After: it says so, comes back when it is told to, and is online', async (t) => {
    const { site, page } = await stage.open(t);
    site.gate = { status: 503, headers: { 'Retry-After': '1' } };
    await page.begin();
    const { reason, retryIn, at: toldAt } = await page.until('seen.retryIn > 0');
    assert.equal(reason, 'the server answers 503');
    assert(retryIn! > 900 && retryIn! <= 1020, `${retryIn} ms`);
    site.gate = undefined;
    const { at } = await page.until('seen.state === "online"');
    assert(at - toldAt >= 900, `${at - toldAt} ms`);
  });

  test('a page of an origin that is not listed: it says so, each time, by whatever transport', async (t) => {
    const { page } = await stage.open(t);
    const other = await ClientSite.start(t);
    await page.begin({}, other.url);
    const { statuses } = await page.until('seen.statuses.length >= 5');
    assert.deepEqual(new Set(statuses.map(({ reason }) => reason)), new Set([NOT_LISTED]));
    for (const transport of ['ndjson', 'sse', 'poll'] as const) {
      await page.begin({ transports: [transport] }, other.url);
      assert.equal((await page.until('seen.reason')).reason, NOT_LISTED);
    }
  });

  test('a page of an origin that is listed is let in, by each transport, and reads what a refusal says', async (t) => {
    const { page } = await stage.open(t);
    const other = await ClientSite.start(t, { allowedOrigins: [new URL(page.page.url()).origin], authenticator });
    for (const transport of TRANSPORTS) {
      await page.start({ transports: [transport] }, other.url);
      await page.publish(transport);
      assert.deepEqual((await page.until('seen.data.length >= 1')).data, [transport]);
    }
    await page.begin({ transports: ['ndjson'], authorization: 'Bearer unknown' }, other.url);
    const { code, answered, reason } = await page.until('seen.code');
    assert.deepEqual([code, answered, reason], ['PB_UNAUTHENTICATED', 401, 'the server answers 401: nobody knows it']);
  });

  test('nothing that answers', async (t) => {
    const { proxy, page } = await stage.open(t);
    proxy.set({ refuse: true });
    // What the page came by would go on to serve.
    proxy.cut('reset');
    await page.begin();
    const { reason } = await page.until('seen.state === "offline"');
    assert.match(reason, /^nothing answers \(/);
  });
}
