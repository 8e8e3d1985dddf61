// requires: chromium
// The demonstrations, as people use them. Screenshots go to build/screenshots.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { contrastsOf, FrontPage, LAYOUT_SHIFTS } from '../support/front-page.ts';

const frontPage = await FrontPage.start('--heartbeat', '1s');
const { base, complaints, screenshots } = frontPage;

async function open(context: BrowserContext, demo: string, name?: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${base}/demo/${demo}`);
  await page.locator('#link[data-state=open]').waitFor();
  if (name === undefined) return page;
  await page.locator('#name').fill(name);
  await page.locator('#name').press('Enter');
  return page;
}

const said = (page: Page, text: string) => page.locator('#messages .text').getByText(text, { exact: true });

async function say(page: Page, text: string): Promise<void> {
  await page.locator('#message').fill(text);
  await page.locator('#message').press('Enter');
}

const textsOf = (page: Page): Promise<string[]> => page.locator('#messages .text').allTextContents();

const person = (page: Page, name: string) => page.locator('#people li', { hasText: name });

/** The place of a pointer on the field of another page, from 0 to 1. */
const placeOf = (page: Page, name: string): Promise<{ x: number; y: number }> =>
  page.locator('.pointer', { hasText: name }).evaluate((element) => {
    const { left, top } = element.getBoundingClientRect();
    const field = element.parentElement!.getBoundingClientRect();
    return { x: (left - field.left) / field.width, y: (top - field.top) / field.height };
  });

/** Looks again and again, with each frame, until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

describe('the chat', () => {
  test('lets two tabs talk: who is here, who types, and text that is text', async () => {
    const context = await frontPage.openContext();
    const [ana, ben] = [await open(context, 'chat', 'Ana'), await open(context, 'chat', 'Ben')];
    await person(ana, 'Ben').waitFor();
    await person(ben, 'Ana').waitFor();
    await ana.locator('#message').pressSequentially('hel');
    await ben.locator('#typing', { hasText: 'Ana is typing…' }).waitFor();
    const text = 'hello <img src=x onerror="window.hit = 1">';
    await say(ana, text);
    for (const page of [ana, ben]) await said(page, text).waitFor();
    await ben.locator('#typing:empty').waitFor({ state: 'attached' });
    await say(ben, 'hello, Ana');
    for (const page of [ana, ben]) await said(page, 'hello, Ana').waitFor();
    assert.equal(await ben.locator('#messages img').count(), 0);
    assert.equal(await ben.evaluate('window.hit'), undefined);
    assert.deepEqual(await textsOf(ana), await textsOf(ben));
    await ben.close();
    await ana.locator('.note', { hasText: 'Ben left' }).waitFor();
    await person(ana, 'Ben').waitFor({ state: 'detached' });
  });

  test('gives to who was away what was said meanwhile, once and in order; and what they wrote, once', async () => {
    const context = await frontPage.openContext();
    const [ana, ben] = [await open(context, 'chat', 'Ana'), await open(context, 'chat', 'Ben')];
    const chiyo = await open(context, 'chat', 'Chiyo');
    await say(ana, 'before');
    await said(chiyo, 'before').waitFor();
    await chiyo.getByRole('button', { name: 'Go offline' }).click();
    await chiyo.locator('#link[data-state=failed]').waitFor();
    assert.equal(await chiyo.locator('#link-state').textContent(), 'offline');
    await chiyo.locator('#link-reason').getByText('nothing answers (this tab is offline)', { exact: true }).waitFor();
    const meanwhile = Array.from({ length: 12 }, (_, index) => `meanwhile ${index + 1}`);
    for (const [index, text] of meanwhile.entries()) {
      const [from, to] = index % 2 === 0 ? [ana, ben] : [ben, ana];
      await say(from, text);
      await said(to, text).waitFor();
    }
    await say(chiyo, 'from the tunnel');
    await chiyo.locator('#waiting .text', { hasText: 'from the tunnel' }).waitFor();
    await chiyo.getByRole('button', { name: 'Come back' }).click();
    for (const page of [ana, chiyo]) await said(page, 'from the tunnel').waitFor();
    const texts = await textsOf(chiyo);
    assert.deepEqual(texts.slice(texts.indexOf('before')), ['before', ...meanwhile, 'from the tunnel']);
    assert.deepEqual(texts, await textsOf(ana));
    await chiyo.locator('.missed', { hasText: '12 messages while you were away' }).waitFor();
    await chiyo.locator('#waiting li').waitFor({ state: 'detached' });
  });
});

describe('the cursors', () => {
  test('move in the other tab, by pointer and by keys, and vanish with who leaves', async () => {
    const context = await frontPage.openContext();
    const [ana, ben] = [await open(context, 'cursors', 'Ana'), await open(context, 'cursors', 'Ben')];
    const field = ana.locator('#stage');
    const { x, y, width, height } = (await field.boundingBox())!;
    await ana.mouse.move(x + width * 0.25, y + height * 0.5);
    await ben.locator('.pointer', { hasText: 'Ana' }).waitFor();
    await ana.mouse.move(x + width * 0.6, y + height * 0.4, { steps: 20 });
    await until(async () => Math.abs((await placeOf(ben, 'Ana')).x - 0.6) < 0.01);
    await field.focus();
    for (let times = 0; times < 3; times++) await field.press('Shift+ArrowDown');
    await until(async () => Math.abs((await placeOf(ben, 'Ana')).y - 0.7) < 0.02);
    // Who comes later is shown who rests.
    const late = await open(context, 'cursors');
    await late.locator('.pointer', { hasText: 'Ana' }).waitFor();
    await ana.close();
    for (const page of [ben, late]) await page.locator('.pointer', { hasText: 'Ana' }).waitFor({ state: 'detached' });
  });
});

describe('the network to break', () => {
  test('loses, doubles and mixes up nothing, whatever is done to it', async () => {
    const page = await open(await frontPage.openContext(), 'break');
    const transport = page.locator('#link-transport');
    const online = (name: RegExp) =>
      page.locator('#link[data-state=open]', { has: transport.filter({ hasText: name }) }).waitFor();
    const fault = (name: string) => page.getByRole('radio', { name }).check();
    const figure = async (id: string): Promise<number> => Number(await page.locator(`#${id}`).textContent());
    await online(/^WebSocket$/);
    await fault('Block WebSocket');
    await online(/^ndjson stream$/);
    await page.locator('#events .stage', { hasText: 'a WebSocket handshake is refused' }).first().waitFor();
    await fault('Stall the stream');
    await online(/^(?:Server-Sent Events|long poll)$/);
    await fault('Buffer the stream');
    await online(/^long poll$/);
    await fault('Drop the network');
    await page.locator('#link[data-state=failed]').waitFor();
    const before = await figure('received');
    await until(async () => (await figure('behind')) > 5);
    await page.screenshot({ path: path.join(screenshots, 'break-down.png') });
    assert.equal(await figure('received'), before);
    await fault('Let everything through');
    await page.locator('#link[data-state=open]').waitFor();
    await until(async () => (await figure('received')) > before + 5 && (await figure('behind')) <= 2);
    assert.deepEqual(await Promise.all(['lost', 'doubled', 'disordered'].map(figure)), [0, 0, 0]);
    await page.screenshot({ path: path.join(screenshots, 'break-light.png'), fullPage: true });
    await page.close();
    // What the browser says of what was broken.
    const isMeant = (text: string): boolean => /\/demo\/break\/|status of 426|net::ERR_/.test(text);
    const others = complaints.splice(0).filter((text) => !isMeant(text));
    complaints.push(...others);
  });
});

const LOOKS: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['narrow', { viewport: { width: 360, height: 740 }, hasTouch: true }],
];

const TEXTS = [
  'h1',
  '.lead p',
  '.demos a',
  '.demos [aria-current]',
  '#link-state',
  '#link-transport',
  '#link-reason',
  '.hint',
  '.quiet',
  '.primary',
  '.who .name',
  '.who time',
  '.text',
  '.people .name',
  '.people .tail',
  '.avatar',
  '.pointer .label',
  'dt',
  'dd',
  '.verdict dd',
  '.choices b',
  '.choices small',
  '.track > span',
  '.stage-now',
  '#events b',
  '#events span',
  '#events time',
];

for (const [look, options] of LOOKS) {
  test(`the demonstrations can be read, ${look}, and nothing moves by itself`, async () => {
    const context = await frontPage.openContext(options);
    for (const demo of ['chat', 'cursors', 'break']) {
      const page = await open(context, demo);
      if (demo === 'cursors') await page.locator('#stage').click({ position: { x: 100, y: 100 } });
      if (demo === 'break') await page.locator('#events .stage').first().waitFor();
      if (demo === 'chat') {
        await say(page, `hello, ${look}`);
        await said(page, `hello, ${look}`).waitFor();
      }
      // Before the picture, for which the window is another one for a moment.
      assert.deepEqual(await page.evaluate(LAYOUT_SHIFTS), [], demo);
      await page.screenshot({ path: path.join(screenshots, `${demo}-${look}.png`), fullPage: look === 'narrow' });
      const low = Object.entries(await contrastsOf(page, TEXTS)).filter(([, contrast]) => contrast < 4.5);
      assert.deepEqual(low, [], demo);
      const [inner, outer] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
      assert.equal(inner, outer, demo);
      await page.close();
    }
  });
}
