// requires: chromium
// The page over HTTP/2: its WebSockets ride in the connection that the page came by, as the server's counts show.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CHROMIUM } from '../support/browsers.ts';
import { serve } from '../support/front-page.ts';

const { port } = await serve('--tls-dev');
const base = `https://localhost:${port}`;
const browser = await CHROMIUM.launch();
after(() => browser.close());

/** Runs in the page: opens so many WebSockets, has each echo, and tells what the server counts meanwhile. */
const ECHO = `async (count) => {
  const sockets = await Promise.all(Array.from({ length: count }, (_, i) => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/echo');
    socket.onopen = () => socket.send('message ' + i);
    socket.onmessage = ({ data }) => resolve({ socket, data });
    socket.onerror = () => reject(new Error('socket ' + i + ' failed'));
  })));
  const counts = await (await fetch('/live')).json();
  const [{ nextHopProtocol }] = performance.getEntriesByType('navigation');
  const closed = await Promise.all(sockets.map(({ socket }) => new Promise((resolve) => {
    socket.onclose = ({ code, wasClean }) => resolve(code + ' ' + wasClean);
    socket.close(1000, 'done');
  })));
  return { nextHopProtocol, echoed: sockets.map(({ data }) => data), counts, closed };
}`;

interface Told {
  readonly nextHopProtocol: string;
  readonly echoed: readonly string[];
  readonly counts: {
    readonly echo: { readonly open: number };
    readonly total: { readonly byHttpVersion: Readonly<Record<string, number>> };
  };
  readonly closed: readonly string[];
}

test('Chromium opens the WebSockets of a page over the HTTP/2 connection of the page', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  // A page without WebSockets of its own, so that all that is counted is what is opened here.
  const answer = await page.goto(`${base}/live`);
  assert.equal(answer!.status(), 200);
  const told = (await page.evaluate(`(${ECHO})(20)`)) as Told;
  assert.equal(told.nextHopProtocol, 'h2');
  assert.deepEqual(
    told.echoed,
    Array.from({ length: 20 }, (_, i) => `message ${i}`),
  );
  assert.equal(told.counts.echo.open, 20);
  assert.equal(told.counts.total.byHttpVersion['2'], 20);
  assert.equal(told.counts.total.byHttpVersion['1.1'] ?? 0, 0);
  assert.deepEqual(new Set(told.closed), new Set(['1000 true']));
  await context.close();
});

test('the page of the program is live over HTTP/2, by every transport', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`${base}/`);
  await page.locator('.lane[data-state=open]').nth(2).waitFor();
  const counts = (await page.evaluate("fetch('/live').then((answer) => answer.json())")) as Told['counts'];
  assert.ok(counts.total.byHttpVersion['2']! >= 3, JSON.stringify(counts.total));
  assert.equal(counts.total.byHttpVersion['1.1'] ?? 0, 0);
  await context.close();
});
