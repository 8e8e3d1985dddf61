// requires: chromium
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/browsers.ts';
import { Example } from '../support/example.ts';

/** Waits until the page shows a text. */
async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 10_000 });
}

async function enter(page: Page, name: string): Promise<void> {
  await page.fill('[name=name]', name);
  await page.click('text=Enter');
  await shows(page, '#log li', `${name} joined`);
}

test('chat/page.html: two people in a room', async (t) => {
  const example = await Example.start(t, 'chat/server.mjs');
  const browser = await CHROMIUM.launch();
  t.after(() => browser.close());
  const [ada, grace] = [await browser.newPage(), await browser.newPage()];
  const errors: string[] = [];
  for (const page of [ada, grace]) {
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(example.url);
  }
  await shows(ada, '#counts', 'nobody anywhere');
  await enter(ada, 'Ada');
  await enter(grace, 'Grace');
  await shows(ada, '#counts', 'tea (2)');

  await ada.fill('[name=text]', 'two <b>lumps</b>, please');
  await ada.click('text=Send');
  await shows(grace, '#log li', 'Ada two <b>lumps</b>, please');
  assert.equal(await grace.locator('#log b', { hasText: 'lumps' }).count(), 0);

  await grace.close();
  await shows(ada, '#log li', 'Grace left');
  await shows(ada, '#counts', 'tea (1)');
  await example.program.stop();
  await shows(ada, '#log li', 'closed 1001');
  assert.deepEqual(errors, []);
});
