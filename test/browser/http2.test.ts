// requires: chromium, firefox
// The page over HTTP/2: its WebSockets ride in the connection that the page came by, as the server's counts show.
// Screenshots go to build/screenshots.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FaultProxy } from '@pulsebeacon/contracts/fault-proxy';
import type { Browser, BrowserContext } from 'playwright-core';
import { CHROMIUM, FIREFOX } from '../support/browsers.ts';
import { serve } from '../support/front-page.ts';
import { inClone } from '../support/root.ts';

const { port } = await serve('--tls-dev');
// It passes on bytes, and counts connections.
const proxy = await FaultProxy.start(Number(port));
after(() => proxy.close());
const base = `https://localhost:${proxy.port}`;
const screenshots = inClone('build/screenshots');
await mkdir(screenshots, { recursive: true });

/** Runs in the page: opens so many WebSockets, has each echo, and tells what the server counts meanwhile. */
const OPEN = `async (count) => {
  globalThis.sockets = await Promise.all(Array.from({ length: count }, (_, i) => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/echo');
    socket.onopen = () => socket.send('message ' + i);
    socket.onmessage = ({ data }) => resolve({ socket, data });
    socket.onerror = () => reject(new Error('socket ' + i + ' failed'));
  })));
  const counts = await (await fetch('/live')).json();
  const [{ nextHopProtocol }] = performance.getEntriesByType('navigation');
  return { nextHopProtocol, echoed: sockets.map(({ data }) => data), counts };
}`;

/** Runs there as well: closes them, and tells how. */
const CLOSE = `async () => Promise.all(sockets.map(({ socket }) => new Promise((resolve) => {
  socket.onclose = ({ code, wasClean }) => resolve(code + ' ' + wasClean);
  socket.close(1000, 'done');
})))`;

interface Told {
  readonly nextHopProtocol: string;
  readonly echoed: readonly string[];
  readonly counts: {
    readonly echo: { readonly open: number };
    readonly total: { readonly byHttpVersion: Readonly<Record<string, number>> };
  };
}

for (const kind of [CHROMIUM, FIREFOX]) {
  describe(kind.name, () => {
    let browser: Browser;
    let context: BrowserContext;
    before(async () => {
      browser = await kind.launch();
      context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1200, height: 800 } });
    });
    after(() => browser.close());

    test('opens the WebSockets of a page over the HTTP/2 connection of the page', async () => {
      const page = await context.newPage();
      // A page without WebSockets of its own, so that all that is counted is what is opened here.
      const answer = await page.goto(`${base}/live`);
      assert.equal(answer!.status(), 200);
      const told = (await page.evaluate(`(${OPEN})(20)`)) as Told;
      assert.equal(told.nextHopProtocol, 'h2');
      assert.deepEqual(
        told.echoed,
        Array.from({ length: 20 }, (_, i) => `message ${i}`),
      );
      assert.equal(told.counts.echo.open, 20);
      assert.equal(told.counts.total.byHttpVersion['2'], 20);
      assert.equal(told.counts.total.byHttpVersion['1.1'] ?? 0, 0);
      assert.equal(proxy.size, 1, 'network connections of the browser');
      assert.deepEqual(new Set((await page.evaluate(`(${CLOSE})()`)) as string[]), new Set(['1000 true']));
      await page.close();
    });

    test('shows the page of the program live over HTTP/2, by every transport', async () => {
      const page = await context.newPage();
      await page.goto(`${base}/`);
      await page.locator('.lane[data-state=open]').nth(2).waitFor();
      const counts = (await page.evaluate("fetch('/live').then((answer) => answer.json())")) as Told['counts'];
      assert.ok(counts.total.byHttpVersion['2']! >= 3, JSON.stringify(counts.total));
      assert.equal(counts.total.byHttpVersion['1.1'] ?? 0, 0);
      await page.screenshot({ path: path.join(screenshots, `http2-${kind.name.toLowerCase()}.png`) });
      await page.close();
    });
  });
}
