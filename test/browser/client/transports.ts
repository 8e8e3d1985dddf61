// Each transport, down to the next where the way does not let it through, and up again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Faults } from '@pulsebeacon/contracts/fault-proxy';
import { Ticker } from './client-page.ts';
import type { Stage } from './stage.ts';

const TRANSPORTS = ['websocket', 'ndjson', 'sse', 'poll'] as const;
/** Of a server and a client as they are without options. */
const DEFAULTS = { openTimeout: 4500, upgradeAfter: 30_000, backoffBase: 500, backoffCap: 30_000, pollWait: 3000 };
/** Nothing better is tried meanwhile. */
const NOT_UP = { upgradeAfter: 60_000 };

export function testTransports(stage: Stage): void {
  for (const transport of TRANSPORTS) {
    test(`${transport} alone: all comes once and in order, whatever is cut, and what the page says too`, async (t) => {
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
    });

    test(`${transport}, by default: a stall is noticed within 5 s`, async (t) => {
      const { proxy, page } = await stage.open(t, {}, { heartbeat: 3000 });
      await page.start({ ...DEFAULTS, transports: [transport] });
      await page.online(transport);
      proxy.set({ freeze: true });
      const frozen = (await page.page.evaluate('performance.now()')) as number;
      const { reason, at } = await page.until('seen.state === "recovering"');
      assert.match(reason, new RegExp(`nothing has arrived by ${transport} for 4\\.[5-9] s`));
      // What was on its way when it froze came before; a machine that is busy may take a little longer.
      assert(at - frozen < 5500, `${at - frozen} ms`);
      proxy.set();
      await page.online(transport);
    });
  }

  for (const [what, faults, transport] of [
    ['strips Upgrade', { stripUpgrade: true }, 'ndjson'],
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
    await page.start({ ...NOT_UP, rememberFor: 60_000 });
    await page.online('ndjson');
    await page.page.reload();
    proxy.set();
    await page.start({ ...NOT_UP, rememberFor: 60_000 });
    const { statuses } = await page.seen();
    assert.deepEqual(
      statuses.map(({ state, transport }) => [state, transport]),
      [['online', 'ndjson']],
    );
  });
}
