// requires: chromium
// The dashboard, as those who run a server see it. Screenshots go to build/screenshots; that of the guide is made by
// PULSEBEACON_SCREENSHOTS=docs/assets, which takes a minute more.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { Client } from '../support/client.ts';
import { contrastsOf, FrontPage, LAYOUT_SHIFTS, README_ASSETS } from '../support/front-page.ts';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-dashboard-'));
after(() => rm(folder, { recursive: true, force: true }));
const key = await createKey();
const frontPage = await FrontPage.start('--data', folder, ...(README_ASSETS === undefined ? [] : ['--port', '8080']));
const { base, complaints, screenshots } = frontPage;
const shot = (name: string): { path: string } => ({ path: path.join(screenshots, `${name}.png`) });

async function createKey(): Promise<string> {
  const args = ['keys', 'create', '--rights', 'admin', '--data', folder];
  const keys = new Program({ after }, process.execPath, [inClone('packages/gateway/bin/pulsebeacon.js'), ...args]);
  const [text] = await keys.printed(/pb_\w{8}_[\w-]{43}/);
  return text!;
}

/** Some who follow, and one who echoes: something to look at. */
const socket = (at: string): Promise<Client> => Client.open({ after }, `${base.replace('http', 'ws')}${at}`);
const followers = [
  await socket('/channels/news?as=json'),
  await socket('/channels/news'),
  await socket('/channels/prices:EURUSD'),
  await socket('/echo'),
];

async function post(channel: string, body: string): Promise<void> {
  assert.equal((await fetch(`${base}/channels/${channel}`, { method: 'POST', body })).status, 201);
}

async function open(options: BrowserContextOptions = {}): Promise<{ context: BrowserContext; page: Page }> {
  const context = await frontPage.openContext(options);
  const page = await context.newPage();
  await page.goto(`${base}/dashboard`);
  return { context, page };
}

/** Opens the dashboard, and waits until it shows what comes live. */
async function openLive(options: BrowserContextOptions = {}): Promise<Page> {
  const { page } = await open(options);
  await page.locator('#live-state[data-state=open]').waitFor();
  await page.locator('#connections .opener').first().waitFor();
  await page.locator('#stat-open', { hasText: /^\d/ }).waitFor();
  return page;
}

const TEXTS = [
  'h1',
  '.about',
  '.stats dt',
  '.stats dd',
  '.stats .more',
  '.legend .label',
  '.legend b',
  'th',
  'td',
  '.foot',
];

for (const colorScheme of ['light', 'dark'] as const) {
  test(`shows who is connected, and what is published, as it comes: ${colorScheme}`, async () => {
    const page = await openLive({ colorScheme, viewport: { width: 1440, height: 1000 } });
    await post('news', 'hello');
    await page.locator('#stat-published-total', { hasText: /^[1-9]\d* in all$/ }).waitFor();
    await page.locator('#kinds tr', { hasText: '/channels/{name}' }).locator('td', { hasText: '3' }).first().waitFor();
    await page.locator('#stat-open', { hasText: /^4$/ }).waitFor();
    await page.locator('#dashboards', { hasText: '1 page with this dashboard' }).waitFor();
    assert.deepEqual(await page.locator('#channels .opener').allTextContents(), ['news', 'prices:EURUSD']);
    // Drawn, and with something on it.
    assert.equal(await page.locator('.plot canvas').count(), 9);
    const following = page.locator('.plot-card', { hasText: 'Following channels' });
    await following.locator('.line-1 b', { hasText: /^3$/ }).waitFor();
    for (const [selector, contrast] of Object.entries(await contrastsOf(page, TEXTS))) {
      assert(contrast >= 4.5, `${selector} has a contrast of ${contrast.toFixed(2)}`);
    }
    assert.deepEqual(await page.evaluate(LAYOUT_SHIFTS), []);
    await page.screenshot({ ...shot(`dashboard-${colorScheme}`), fullPage: true });
  });
}

test('fits on a telephone', async () => {
  const page = await openLive({ viewport: { width: 360, height: 740 }, hasTouch: true });
  const width = await page.evaluate('document.documentElement.scrollWidth');
  assert.equal(width, 360);
  assert.deepEqual(await page.evaluate(LAYOUT_SHIFTS), []);
  await page.screenshot({ ...shot('dashboard-narrow'), fullPage: true });
  await page.locator('#connections .opener').first().tap();
  await page.locator('#glass-facts dd').first().waitFor();
  await page.screenshot(shot('dashboard-narrow-glass'));
});

test('one connection under the glass: by the keyboard, with its messages, to its end', async () => {
  const [follower] = followers;
  const page = await openLive();
  await page.locator('#find').fill('/channels/news');
  await page.locator('#connections tr:not(.none)').nth(1).waitFor();
  await page.waitForFunction("document.querySelectorAll('#connections tr').length === 2");
  // The newest is the first: the one with envelopes is the older.
  await page.locator('#connections .opener').nth(1).focus();
  await page.keyboard.press('Enter');
  await page.locator('.names li', { hasText: 'news' }).waitFor();
  await page.getByRole('button', { name: 'Show messages' }).press('Enter');
  await page.locator('.log .none').waitFor();
  const seen = page.locator('.log pre', { hasText: 'under the glass' });
  // Whoever looks is there a moment after the click.
  while ((await seen.count()) === 0) {
    await post('news', 'under the glass');
    await wait(100);
  }
  await page.screenshot(shot('dashboard-glass'));

  const close = page.getByRole('button', { name: 'Close this connection' });
  await close.press('Enter');
  await page.getByRole('button', { name: 'Really close it?' }).press('Enter');
  assert.equal((await follower!.closed).code, 1013);
  await page.locator('#glass-footer', { hasText: 'Closed: its client was told why' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#glass').waitFor({ state: 'hidden' });
  // Its row is gone, and who has but a keyboard is in the lists all the same.
  await page.locator('.opener:focus').waitFor();
  await page.locator('#ends tr', { hasText: 'PB_CLOSED_BY_OPERATOR' }).waitFor();
  await page.locator('#channels .opener', { hasText: 'news' }).click();
  await page.locator('.log pre', { hasText: 'under the glass' }).first().waitFor();
  // It was asked for after it had gone, as it should.
  const gone = complaints.filter((complaint) => !/404/.test(complaint));
  complaints.splice(0, Infinity, ...gone);
});

test('asks for a key whoever is not on the machine, keeps it for the tab, and forgets it', async () => {
  const { page } = await open({ extraHTTPHeaders: { 'X-Forwarded-For': '192.0.2.1' } });
  await page.locator('#sign-in').waitFor();
  assert.equal(await page.locator('#board').isVisible(), false);
  await page.locator('#key').fill(`${key.slice(0, -2)}xx`);
  await page.keyboard.press('Enter');
  await page.locator('#sign-in-fault', { hasText: 'The key was not taken' }).waitFor();
  await page.screenshot(shot('dashboard-sign-in'));
  await page.locator('#key').fill(key);
  await page.keyboard.press('Enter');
  await page.locator('#live-state[data-state=open]').waitFor();
  await page.locator('#connections .opener').first().waitFor();
  await page.reload();
  await page.locator('#connections .opener').first().waitFor();
  const kept = await page.evaluate('JSON.stringify([Object.values(localStorage), document.cookie])');
  assert(!String(kept).includes(key.slice(-20)));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.locator('#sign-in').waitFor();
  assert.equal(await page.evaluate('sessionStorage.length'), 0);
  const others = complaints.filter((complaint) => !/401/.test(complaint));
  complaints.splice(0, Infinity, ...others);
});

/** Not a test: the picture of the guide, with a minute of traffic in it. */
if (README_ASSETS !== undefined)
  test('the picture of the guide', async () => {
    const page = await openLive({ viewport: { width: 1440, height: 1120 } });
    await page.getByRole('radio', { name: '1 min' }).check();
    const stop = new AbortController();
    for (const [at, accept] of ['text/event-stream', 'application/x-ndjson', 'text/event-stream'].entries()) {
      const { signal } = stop;
      await fetch(`${base}/channels/${at === 2 ? 'news' : 'prices:EURUSD'}`, { headers: { accept }, signal });
    }
    const end = Date.now() + 65_000;
    let count = 0;
    while (Date.now() < end) {
      count++;
      if (count % 100 === 50) await socket(count % 200 === 50 ? '/channels/news' : '/channels/chat:lobby');
      await post(count % 3 === 0 ? 'prices:EURUSD' : 'news', JSON.stringify({ count, text: 'x'.repeat(count % 200) }));
      await wait(15 + 40 * (1 + Math.sin(count / 60)));
    }
    await page.screenshot(shot('dashboard'));
    stop.abort();
  });
