// requires: chromium
// A page that is read while it arrives does not move under its reader, wherever the network cuts it into pieces.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FaultProxy } from '@pulsebeacon/contracts/fault-proxy';
import type { BrowserContext, Page } from 'playwright-core';
import { FrontPage, LAYOUT_SHIFTS } from '../support/front-page.ts';
import { inClone } from '../support/root.ts';

const frontPage = await FrontPage.start();
const proxy = await FaultProxy.start(Number(frontPage.port));
after(() => proxy.close());
const base = `http://localhost:${proxy.port}`;

/** Some frames of the screen take longer than this, and show several pieces: there are enough of them. */
const IN_PIECES = { trickle: { bytes: 400, every: 16 } };

/** Each page, and what shows that it is connected. */
const PAGES: Readonly<Record<string, string>> = {
  '/': '#live-state[data-state=open]',
  '/#echo': '#state[data-state=open]',
  '/dashboard': '#stat-peak:not(:empty)',
  '/demo/chat': '#link[data-state=open]',
  '/demo/cursors': '#link[data-state=open]',
  '/demo/break': '#link[data-state=open]',
};

/** Loads the document in pieces; styles and scripts are there at once, so that each piece is shown as it comes. */
async function load(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${base}${path}`, { waitUntil: 'domcontentloaded' });
  return page;
}

for (const width of [360, 768, 1200]) {
  test(`no page moves while it arrives, ${width} pixels wide`, async () => {
    const context = await frontPage.openContext({
      viewport: { width, height: 800 },
      // As it is: a piece of what is compressed is no piece of the document.
      extraHTTPHeaders: { 'Accept-Encoding': 'identity' },
    });
    await context.route('**/-/assets/*', (route) =>
      route.fulfill({ path: inClone(`packages/gateway/pages${new URL(route.request().url()).pathname.slice(2)}`) }),
    );
    proxy.set(IN_PIECES);
    const paths = Object.keys(PAGES);
    const pages = await Promise.all(paths.map((path) => load(context, path)));
    proxy.set();
    const moved: Record<string, unknown> = {};
    for (const [index, page] of pages.entries()) {
      const path = paths[index]!;
      await page.locator(PAGES[path]!).waitFor();
      const shifts = (await page.evaluate(LAYOUT_SHIFTS)) as string[];
      if (shifts.length > 0) moved[path] = shifts;
    }
    assert.deepEqual(moved, {});
  });
}
