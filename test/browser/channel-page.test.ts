// requires: chromium
// The page of a channel, and what a browser does with a channel by itself. Screenshots go to build/screenshots.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { Hub } from '@pulsebeacon/hub';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { CHROMIUM } from '../support/browsers.ts';
import { inClone } from '../support/root.ts';

const hub = new Hub({
  namespaces: [
    { match: 'read-only', publish: 'nobody' },
    { match: 'closed', subscribe: 'nobody' },
    { match: '*', publish: 'anyone' },
  ],
});
/** As a proxy that knows no WebSockets: their handshakes get no further. */
let lacksWebSockets = false;
const server = createServer();
hub.attach(server);
const upgrades = server.listeners('upgrade') as ((...parameters: unknown[]) => void)[];
server.removeAllListeners('upgrade');
server.on('upgrade', (request, socket, head) => {
  if (lacksWebSockets) socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  else for (const listener of upgrades) listener.call(server, request, socket, head);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const browser = await CHROMIUM.launch();
after(async () => {
  await browser.close();
  await hub.close();
  server.close();
});
const screenshots = inClone('build/screenshots');
await mkdir(screenshots, { recursive: true });

async function openPage(channel: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${base}/channels/${channel}`);
  return page;
}

const state = (page: Page, text: string): Promise<void> =>
  page.locator('#state', { hasText: text }).waitFor({ timeout: 10_000 });
const shown = (page: Page, text: string): Promise<void> =>
  page.locator('li pre', { hasText: text }).first().waitFor({ timeout: 10_000 });

test('it shows what there is and what comes, and publishes; nothing that was published is markup', async () => {
  const complaints: string[] = [];
  await hub.channel('news').publish('<img src=x onerror="document.title=`caught`"> <b>bold</b>');
  const page = await openPage('news');
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await state(page, 'live by WebSocket');
  await shown(page, '<b>bold</b>');
  assert.equal(await page.title(), 'news · live');
  await page.fill('#text', 'typed here');
  await page.press('#text', 'Enter');
  await shown(page, 'typed here');
  assert.equal(await page.inputValue('#text'), '');
  await hub.channel('news').publish({ temperature: 21.5, at: ['kitchen', 'window'] });
  await shown(page, '"temperature": 21.5');
  assert.equal(await page.locator('li').count(), 3);
  assert.match(await page.locator('li').first().innerText(), /application\/json/);
  assert.deepEqual(complaints, []);
});

for (const [name, options] of [
  ['desktop', {}],
  ['dark', { colorScheme: 'dark' }],
  ['narrow', { viewport: { width: 360, height: 740 } }],
] as const) {
  test(`${name}: nothing sticks out`, async () => {
    await hub.channel('weather:kitchen').publish({ temperature: 21.5, humidity: 0.4, trend: 'falling' });
    await hub.channel('weather:kitchen').publish('x'.repeat(300));
    const page = await openPage('weather:kitchen', options);
    await state(page, 'live by WebSocket');
    await shown(page, 'falling');
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    assert.equal(overflow, 0);
    await page.screenshot({ path: path.join(screenshots, `channel-${name}.png`) });
  });
}

test('where the path allows no WebSocket, it follows by Server-Sent Events', async () => {
  lacksWebSockets = true;
  try {
    const page = await openPage('fallback');
    await state(page, 'live by Server-Sent Events');
    await hub.channel('fallback').publish('all the same');
    await shown(page, 'all the same');
  } finally {
    lacksWebSockets = false;
  }
});

test('after a loss it has everything, once', async () => {
  const page = await openPage('lossy');
  await state(page, 'live by WebSocket');
  await hub.channel('lossy').publish('1');
  await shown(page, '1');
  for (const client of hub.clients) client.closed();
  for (const { subscriptions } of hub.activeChannels) assert.equal(subscriptions.size, 0);
  server.closeAllConnections();
  await hub.channel('lossy').publish('2');
  await page.reload();
  await shown(page, '2');
  assert.deepEqual(await page.locator('li pre').allInnerTexts(), ['2', '1']);
});

test('what is not allowed is said in words', async () => {
  const closed = await openPage('closed');
  await state(closed, 'not allowed');
  assert.match(await closed.locator('#note').innerText(), /^403 .*closed/);
  const readOnly = await openPage('read-only');
  await state(readOnly, 'live by WebSocket');
  await readOnly.fill('#text', 'x');
  await readOnly.click('#publish');
  await readOnly.locator('#note.bad', { hasText: '403' }).waitFor();
});

test('a stock EventSource recovers by itself, and a bare WebSocket hears and says payloads', async () => {
  const page = await openPage('plain?as=json');
  const heard = await page.evaluate(`new Promise((resolve) => {
    const texts = [];
    const source = new EventSource('/channels/plain');
    source.addEventListener('subscribed', () => {
      const socket = new WebSocket('/channels/plain'.replace(/^/, location.origin.replace('http', 'ws')));
      socket.onopen = () => socket.send('by socket');
      socket.onmessage = ({ data }) => texts.push(data);
    }, { once: true });
    source.onmessage = ({ data, lastEventId }) => {
      texts.push(JSON.parse(data).data);
      if (texts.length === 2) { source.close(); resolve(texts); }
    };
    setTimeout(() => resolve(texts), 5000);
  })`);
  assert.ok(
    (heard as string[]).every((text) => text === 'by socket') && (heard as string[]).length >= 1,
    String(heard),
  );
});
