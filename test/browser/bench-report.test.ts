// requires: chromium
// The report of bench as a person reads it: on a screen, in the dark, on a phone. Screenshots go to build/screenshots.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type BrowserContextOptions, devices, type Page } from 'playwright-core';
import { CHROMIUM } from '../support/browsers.ts';
import { serve } from '../support/front-page.ts';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-report-'));
after(() => rm(folder, { recursive: true, force: true }));
const screenshots = inClone('build/screenshots');
await mkdir(screenshots, { recursive: true });

const PROGRAM = inClone('packages/gateway/bin/pulsebeacon.js');
const { port } = await serve('--message-rate', 'off', '--handshake-rate', 'off');

const file = path.join(folder, 'report.html');
const bench = ['bench', `:${port}/echo`, '-c', '8', '-d', '1s', '--warmup', '0', '--compare-http', '--html', file];
const { code, stderr } = await new Program({ after }, process.execPath, [PROGRAM, ...bench]).exit;
assert.equal(code, 0, stderr);

const browser = await CHROMIUM.launch();
after(() => browser.close());

/** Opens the report, and lets nothing pass that the browser complains of or would fetch. */
async function open(options: BrowserContextOptions, name: string): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  const url = pathToFileURL(file).href;
  await page.goto(url);
  await page.locator('#latency-over-time canvas').waitFor();
  await page.screenshot({ path: path.join(screenshots, `bench-report-${name}.png`), fullPage: true });
  assert.deepEqual(complaints, []);
  assert.deepEqual(requests, [url]);
  return page;
}

/** How many colours a plot is painted in: one that was not drawn has one. */
function coloursOf(page: Page, id: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector('#${id} canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`);
}

const strokeOf = (page: Page): Promise<string> =>
  page.locator('#throughput .u-legend .u-marker').nth(0).evaluate('(marker) => marker.style.borderColor');

test('the plots are drawn, and say their values where one points', async () => {
  const page = await open({ viewport: { width: 1200, height: 900 } }, 'light');
  for (const id of ['distribution', 'throughput', 'latency-over-time']) {
    assert((await coloursOf(page, id)) > 2, id);
  }
  await page.locator('#distribution .u-over').hover();
  const values = page.locator('#distribution .u-legend .u-value');
  await values
    .nth(1)
    .filter({ hasText: /^[\d.,]+ ms$/ })
    .waitFor();
  assert.match((await values.nth(0).textContent())!, /^\d[\d.]* %$/);
});

test('colours are those of the system, and change with it', async () => {
  const page = await open({ viewport: { width: 1200, height: 900 }, colorScheme: 'dark' }, 'dark');
  const dark = await strokeOf(page);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.waitForFunction(
    `document.querySelector('#throughput .u-legend .u-marker').style.borderColor !== ${JSON.stringify(dark)}`,
  );
});

test('on a phone nothing is wider than the screen, and plots follow when it is turned', async () => {
  const page = await open(devices['iPhone 13']!, 'phone');
  const widths = (): Promise<number[]> =>
    page.evaluate<number[]>(
      `[document.documentElement.scrollWidth, innerWidth, document.querySelector('#throughput .uplot').clientWidth]`,
    );
  const [page1, screen1, plot1] = await widths();
  assert.equal(page1, screen1);
  await page.setViewportSize({ width: 844, height: 390 });
  await page.waitForFunction(`document.querySelector('#throughput .uplot').clientWidth > ${plot1! + 100}`);
  const [page2, screen2] = await widths();
  assert.equal(page2, screen2);
});
