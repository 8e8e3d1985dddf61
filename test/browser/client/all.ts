import { after, before, describe } from 'node:test';
import type { Browser } from 'playwright-core';
import type { BrowserKind } from '../../support/browsers.ts';
import { testSurroundings } from './surroundings.ts';
import { testRefusals } from './refusals.ts';
import { testRestart } from './restart.ts';
import { stageOf } from './stage.ts';
import { testTransports } from './transports.ts';

/** So many pages at once: most of their time they wait. */
const AT_ONCE = 6;

/** All tests of `@pulsebeacon/client` that need a browser, in one of them, which is started once. */
export function testClientIn({ name, launch }: BrowserKind): void {
  describe(`the client in ${name}`, { concurrency: AT_ONCE }, () => {
    let browser: Browser;
    before(async () => {
      browser = await launch();
    });
    after(() => browser.close());
    const stage = stageOf(name, () => browser);
    testTransports(stage);
    testSurroundings(stage);
    testRefusals(stage);
    testRestart(stage);
  });
}
