// Each transport, down to the next where the way does not let it through, and up again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Faults } from '@pulsebeacon/contracts/fault-proxy';
import { Ticker } from './client-page.ts';
import type { Stage } from './stage.ts';

const TRANSPORTS = ['websocket', 'ndjson', 'sse', 'poll'] as const;
/** Nothing better is tried meanwhile. */
const NOT_UP = { upgradeAfter: 60_000 };
/** What fails at once is not waited for; whatever works has time, on a busy machine too. */
const NO_HURRY = { ...NOT_UP, openTimeout: 20_000 };

export function testTransports(stage: Stage): void {
  for (const transport of TRANSPORTS) {
    test(`${transport} alone: all comes once and in order through cuts, and a stall is noticed within 5 s`, async (t) => {
      const { site, proxy, page } = await stage.open(t);
      await page.start({ transports: [transport] });
      const ticker = new Ticker(t, site);
      for (const by of ['end', 'reset'] as const) {
        await page.more(3);
        proxy.cut(by);
      }
      await page.more(3);
      await ticker.settle(page);
      await page.publish('from the page');
      const { data, transport: used } = await page.until('seen.data.at(-1) === "from the page"');
      assert.equal(data.filter((each) => each === 'from the page').length, 1);
      assert.equal(used, transport);

      await page.forget();
      proxy.set({ freeze: true });
      // By its own clock, which is a little late on a busy machine.
      const { reason } = await page.until('seen.state === "recovering"');
      assert.match(reason, new RegExp(`nothing has arrived by ${transport} for [45]\\.\\d s`));
      proxy.set();
      await page.online(transport);
    });
  }

  for (const [what, faults, transport] of [
    ['accepts a WebSocket and is silent then', { muteUpgraded: true }, 'ndjson'],
    ['strips Upgrade and holds streams back', { stripUpgrade: true, bufferResponses: true }, 'poll'],
    ['ends every connection after a while', { cutAfter: 250 }, undefined],
  ] as const satisfies readonly (readonly [string, Faults, string | undefined])[]) {
    test(`a proxy that ${what}: all comes once and in order${transport ? `, by ${transport}` : ''}`, async (t) => {
      const { site, page } = await stage.open(t, faults);
      await page.start(NOT_UP);
      if (transport !== undefined) await page.online(transport);
      const ticker = new Ticker(t, site);
      await page.more(30);
      await ticker.settle(page);
    });
  }

  test('a proxy that strips Upgrade: the page can say so, and all comes once and in order, by ndjson', async (t) => {
    const { site, page } = await stage.open(t, { stripUpgrade: true });
    await page.start(NO_HURRY);
    const { statuses } = await page.seen();
    assert.deepEqual(
      statuses.map(({ state, reason, transport }) => [state, reason, transport]),
      [
        ['connecting', 'something between here and the server blocks WebSocket (HTTP gets through: 426)', undefined],
        ['online', 'connected by ndjson', 'ndjson'],
      ],
    );
    const ticker = new Ticker(t, site);
    await page.more(30);
    await ticker.settle(page);
  });

  test('down where a WebSocket stalls in mid-life, and up again later, by position', async (t) => {
    const { site, proxy, page } = await stage.open(t, { muteUpgraded: false });
    await page.start({ transports: ['websocket', 'ndjson'] });
    await page.online('websocket');
    const ticker = new Ticker(t, site);
    await page.more(3);
    proxy.set({ muteUpgraded: true });
    await page.online('ndjson');
    await page.more(3);
    proxy.set();
    await page.online('websocket');
    await page.more(3);
    await ticker.settle(page);
  });

  test('which one got through is remembered for the origin', async (t) => {
    const { proxy, page } = await stage.open(t, { stripUpgrade: true });
    await page.start({ ...NO_HURRY, rememberFor: 60_000 });
    await page.online('ndjson');
    await page.page.reload();
    proxy.set();
    await page.start({ ...NO_HURRY, rememberFor: 60_000 });
    const { statuses } = await page.seen();
    assert.deepEqual(
      statuses.map(({ state, transport }) => [state, transport]),
      [['online', 'ndjson']],
    );
  });
}
