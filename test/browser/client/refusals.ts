// What the page can say where the server, or something before it, does not let it in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientSite } from '../../support/client-site.ts';
import { ClientPage } from './client-page.ts';
import type { Stage } from './stage.ts';

const NOT_LISTED = 'the server answers, but not to pages of this origin: allowedOrigins has to list it';

export function testRefusals(stage: Stage): void {
  for (const transport of ['websocket', 'ndjson', 'poll'] as const) {
    test(`401, by ${transport}: it gives up, and has status and challenge`, async (t) => {
      const { site, page } = await stage.open(t);
      site.gate = { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="gate"' } };
      await page.begin({ transports: [transport] });
      const seen = await page.until('seen.code');
      assert.deepEqual(
        [seen.state, seen.code, seen.answered, seen.challenge, seen.reason],
        ['offline', 'PB_CLIENT_OFFLINE', 401, 'Bearer realm="gate"', 'the server answers 401'],
      );
    });
  }

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

  test('something that blocks WebSocket: it says so, and is online by the next transport', async (t) => {
    const { page } = await stage.open(t, { stripUpgrade: true });
    await page.start({ upgradeAfter: 60_000 });
    const { statuses } = await page.seen();
    assert.deepEqual(
      statuses.map(({ state, reason, transport }) => [state, reason, transport]),
      [
        ['connecting', 'something between here and the server blocks WebSocket (HTTP gets through: 426)', undefined],
        ['online', 'connected by ndjson', 'ndjson'],
      ],
    );
  });

  test('a page of an origin that is not listed: it says so, each time, by whatever transport', async (t) => {
    const { page } = await stage.open(t);
    const other = await ClientSite.start(t);
    await page.begin({}, other.url);
    const { statuses } = await page.until('seen.statuses.length >= 5');
    assert.deepEqual(
      new Set(statuses.map(({ reason }) => reason)),
      new Set([NOT_LISTED]),
    );
    for (const transport of ['ndjson', 'sse', 'poll']) {
      const own = await ClientPage.open(t, stage.browser, Number(new URL(page.page.url()).port));
      await own.begin({ transports: [transport as 'sse'] }, other.url);
      assert.equal((await own.until('seen.statuses.length >= 1')).reason, NOT_LISTED);
    }
  });

  test('a page of an origin that is listed is let in, by each transport, and reads what a refusal says', async (t) => {
    const { page } = await stage.open(t);
    const { origin, port } = new URL(page.page.url());
    const other = await ClientSite.start(t, { allowedOrigins: [origin] });
    for (const transport of ['websocket', 'ndjson', 'sse', 'poll'] as const) {
      const own = await ClientPage.open(t, stage.browser, Number(port));
      await own.start({ transports: [transport] }, other.url);
      await own.publish(transport);
      assert.equal((await own.until('seen.data.length >= 1')).data[0], transport);
    }
  });

  test('nothing that answers', async (t) => {
    const { proxy, page } = await stage.open(t);
    proxy.set({ refuse: true });
    await page.begin();
    const { reason } = await page.until('seen.state === "offline"');
    assert.match(reason, /^nothing answers \(/);
  });
}
