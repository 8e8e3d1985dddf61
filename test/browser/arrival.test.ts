// requires: chromium
// A page that is read while it arrives does not move under its reader, wherever the network cuts it into pieces.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { FaultProxy } from '@pulsebeacon/contracts/fault-proxy';
import type { Page } from 'playwright-core';
import { FrontPage, LAYOUT_SHIFTS } from '../support/front-page.ts';
import { inClone } from '../support/root.ts';

const frontPage = await FrontPage.start();
const proxy = await FaultProxy.start(Number(frontPage.port));
after(() => proxy.close());
const base = `http://localhost:${proxy.port}`;

/** One piece of each document, and the next once somebody sets this again. */
const IN_PIECES = { trickle: { bytes: 800, every: 1e6 } };

/** While the head of a document is incomplete nothing is drawn, and this is waited for. */
const MOST_FOR_A_FRAME_MS = 150;

const FRAME = 'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))';

/** Each page, and what shows that it is connected. */
const PAGES: Readonly<Record<string, string>> = {
  '/': '#live-state[data-state=open]',
  '/#echo': '#state[data-state=open]',
  '/dashboard': '#stat-open:text-matches("^[0-9]")',
  '/demo/chat': '#link[data-state=open]',
  '/demo/cursors': '#link[data-state=open]',
  '/demo/break': '#link[data-state=open]',
};

/** A window of its own: what is behind another is hardly drawn. */
async function open(width: number): Promise<Page> {
  const context = await frontPage.openContext({
    viewport: { width, height: 800 },
    // As it is: a piece of what is compressed is no piece of the document.
    extraHTTPHeaders: { 'Accept-Encoding': 'identity' },
  });
  // Styles and scripts are there at once, so that each piece is shown as it comes.
  await context.route('**/-/assets/*', (route) =>
    route.fulfill({ path: inClone(`packages/gateway/pages${new URL(route.request().url()).pathname.slice(2)}`) }),
  );
  return await context.newPage();
}

/** Loads the documents in pieces, each of which is drawn before the next comes. */
async function load(pages: readonly Page[], paths: readonly string[]): Promise<void> {
  proxy.set(IN_PIECES);
  const loading = new Set(pages);
  const loaded = pages.map(async (page, index) => {
    await page.goto(`${base}${paths[index]!}`, { waitUntil: 'domcontentloaded' });
    loading.delete(page);
  });
  const all = Promise.all(loaded);
  while (loading.size > 0) {
    const drawn = Promise.all([...loading].map((page) => page.evaluate(FRAME).catch(() => {})));
    await Promise.race([drawn, all, wait(MOST_FOR_A_FRAME_MS)]);
    proxy.set(IN_PIECES);
  }
  proxy.set();
}

/** What has moved on a page, once it is connected. */
async function movesOf(page: Page, path: string): Promise<string[]> {
  await page.locator(PAGES[path]!).waitFor();
  return ((await page.evaluate(LAYOUT_SHIFTS)) as string[]).map((shift) => `${path}: ${shift}`);
}

for (const width of [360, 768, 1200]) {
  test(`no page moves while it arrives, ${width} pixels wide`, async () => {
    const paths = Object.keys(PAGES);
    const pages = await Promise.all(paths.map(() => open(width)));
    await load(pages, paths);
    assert.deepEqual((await Promise.all(pages.map((page, index) => movesOf(page, paths[index]!)))).flat(), []);
  });
}
