// requires: chromium
// A page that is read while it arrives does not move under its reader, wherever the network cuts it into pieces.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FaultProxy } from '@pulsebeacon/contracts/fault-proxy';
import type { Page } from 'playwright-core';
import { FrontPage, LAYOUT_SHIFTS } from '../support/front-page.ts';
import { inClone } from '../support/root.ts';

const frontPage = await FrontPage.start();
const proxy = await FaultProxy.start(Number(frontPage.port));
after(() => proxy.close());
const base = `http://localhost:${proxy.port}`;

/** Some frames of the screen take longer than this, and show several pieces: there are enough of them. */
const IN_PIECES = { trickle: { bytes: 600, every: 16 } };

/** Each page, and what shows that it is connected. */
const PAGES: Readonly<Record<string, string>> = {
  '/': '#live-state[data-state=open]',
  '/#echo': '#state[data-state=open]',
  '/dashboard': '#stat-open:text-matches("^[0-9]")',
  '/demo/chat': '#link[data-state=open]',
  '/demo/cursors': '#link[data-state=open]',
  '/demo/break': '#link[data-state=open]',
};

/** Loads the document in pieces, in a window of its own: one behind another is hardly drawn. */
async function load(path: string, width: number): Promise<Page> {
  const context = await frontPage.openContext({
    viewport: { width, height: 800 },
    // As it is: a piece of what is compressed is no piece of the document.
    extraHTTPHeaders: { 'Accept-Encoding': 'identity' },
  });
  // Styles and scripts are there at once, so that each piece is shown as it comes.
  await context.route('**/-/assets/*', (route) =>
    route.fulfill({ path: inClone(`packages/gateway/pages${new URL(route.request().url()).pathname.slice(2)}`) }),
  );
  const page = await context.newPage();
  await page.goto(`${base}${path}`, { waitUntil: 'domcontentloaded' });
  return page;
}

/** What has moved on a page, once it is connected. */
async function movesOf(page: Page, path: string): Promise<string[]> {
  await page.locator(PAGES[path]!).waitFor();
  return ((await page.evaluate(LAYOUT_SHIFTS)) as string[]).map((shift) => `${path}: ${shift}`);
}

for (const width of [360, 768, 1200]) {
  test(`no page moves while it arrives, ${width} pixels wide`, async () => {
    const paths = Object.keys(PAGES);
    proxy.set(IN_PIECES);
    const pages = await Promise.all(paths.map((path) => load(path, width)));
    proxy.set();
    assert.deepEqual((await Promise.all(pages.map((page, index) => movesOf(page, paths[index]!)))).flat(), []);
  });
}
