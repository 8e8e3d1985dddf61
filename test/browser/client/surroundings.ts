// What browsers do around a page: networks that come and go, tabs that nobody sees, sleep, workers; and the class for code
// that knows only WebSocket.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { ClientPage, type Seen, Ticker } from './client-page.ts';
import type { Stage } from './stage.ts';

/** Of its own accord, it does not come back while a test lasts. */
const PATIENT = { backoffBase: 2 ** 31 - 1, backoffCap: 2 ** 31 - 1 };

export function testSurroundings(stage: Stage): void {
  test('offline and online: what is published meanwhile waits, and it is back as soon as the network is', async (t) => {
    const { site, proxy, page } = await stage.open(t);
    await page.start(PATIENT);
    const ticker = new Ticker(t, site);
    await page.more(3);
    await page.page.context().setOffline(true);
    proxy.set({ refuse: true });
    proxy.cut('reset');
    await page.until('seen.state !== "online"');
    await page.page.evaluate('globalThis.published = publish("meanwhile"); undefined');
    proxy.set();
    await page.page.context().setOffline(false);
    await page.until('seen.statuses.some(({ reason }) => reason === "the network is back")');
    // Firefox may tell so a moment before it is there.
    await page.until('seen.state === "online" || (seen.retryIn > 0 && dispatchEvent(new Event("online")) && false)');
    await page.page.evaluate('published.then(() => {})');
    const { data } = await page.until('seen.data.includes("meanwhile")');
    assert.equal(data.filter((each) => each === 'meanwhile').length, 1);
    await page.more(3);
    ticker.stop();
  });

  test('a tab that nobody sees: what came meanwhile is there when it is seen again, once and in order', async (t) => {
    const { site, proxy, page } = await stage.open(t);
    await page.start(PATIENT);
    const ticker = new Ticker(t, site);
    await page.more(3);
    const hidden = await (stage.name === 'Firefox' ? cover : freeze)(page.page);
    proxy.cut('reset');
    await hidden.thaw?.();
    await page.until('seen.state !== "online"');
    await hidden.show();
    await page.until('seen.statuses.some(({ reason }) => reason === "the page is seen again")');
    await page.more(3);
    await ticker.settle(page);
  });

  test('a device that was asleep: it is back at once', async (t) => {
    const { site, proxy } = await stage.open(t);
    // Its clock stays like that, so nobody else has this tab.
    const context = await stage.browser.newContext();
    t.after(() => context.close());
    const tab = await context.newPage();
    await tab.clock.install();
    const page = await ClientPage.show(tab, proxy.port);
    await page.start({ openTimeout: 4500 });
    const ticker = new Ticker(t, site);
    await page.more(3);
    // As after the lid was shut for an hour: no timer has run meanwhile.
    site.cut();
    await tab.clock.fastForward(3_600_000);
    await page.more(3);
    await ticker.settle(page);
  });

  test('in a dedicated worker, as in a page', async (t) => {
    const { site, proxy, page } = await stage.open(t);
    await page.page.evaluate(`(async () => {
      const worker = new Worker('/worker.js', { type: 'module' });
      let calls = 0;
      await new Promise((resolve) => (worker.onmessage = resolve));
      globalThis.ask = (call, ...parameters) => new Promise((resolve, reject) => {
        const id = calls++;
        worker.addEventListener('message', ({ data }) => {
          if (data.id === id) 'error' in data ? reject(new Error(data.error)) : resolve(data.value);
        });
        worker.postMessage({ id, call, parameters });
      });
      worker.onmessage = null;
      await ask('start');
    })()`);
    for (let number = 0; number < 3; number++) await site.hub.channel('news').publish(number);
    proxy.cut('reset');
    for (let number = 3; number < 6; number++) await site.hub.channel('news').publish(number);
    await page.page.evaluate('ask("publish", 6).then(() => {})');
    const seen = (await page.page.evaluate('ask("until", "seen.data.length >= 7")')) as Seen;
    assert.deepEqual([seen.data, seen.gaps], [[0, 1, 2, 3, 4, 5, 6], 0]);
  });

  test('BeaconWebSocket: the interface of WebSocket, and it stays open while connections are cut', async (t) => {
    const { site, proxy, page } = await stage.open(t);
    const { page: tab } = page;
    await tab.evaluate(`(async () => {
      const { BeaconWebSocket } = await import('/websocket.js');
      const socket = new BeaconWebSocket(location.origin.replace('http', 'ws') + '/channels/news');
      socket.binaryType = 'arraybuffer';
      Object.assign(globalThis, { socket, events: [], messages: [] });
      for (const type of ['open', 'error', 'close']) socket.addEventListener(type, () => events.push(type));
      let wake = () => {};
      globalThis.received = async (count) => {
        while (messages.length < count) await new Promise((resolve) => (wake = resolve));
        return messages;
      };
      await new Promise((resolve) => (socket.onopen = resolve));
      socket.onmessage = ({ data }) => {
        messages.push(typeof data === 'string' ? data : 'bytes ' + new Uint8Array(data));
        wake();
      };
      socket.send('text');
      socket.send(new Uint8Array([1, 2, 3]));
    })()`);
    assert.deepEqual(await tab.evaluate('received(2)'), ['text', 'bytes 1,2,3']);
    for (const text of ['one', 'two']) {
      proxy.cut('reset');
      await site.hub.channel('news').publish(text);
    }
    await tab.evaluate('socket.send("three")');
    assert.deepEqual(((await tab.evaluate('received(5)')) as unknown[]).slice(2), ['one', 'two', 'three']);
    assert.deepEqual(await tab.evaluate('[events, socket.readyState, socket.bufferedAmount]'), [['open'], 1, 0]);
    const closed = await tab.evaluate(`new Promise((resolve) => {
      socket.onclose = ({ type, code, reason, wasClean }) => resolve([type, code, reason, wasClean]);
      socket.close(3000, 'done');
    })`);
    assert.deepEqual(closed, ['close', 3000, 'done', true]);
  });
}

/** What nobody sees. */
interface HiddenTab {
  /** Lets it run again, unseen; where it does not. */
  thaw?(): Promise<void>;
  show(): Promise<void>;
}

/** Firefox, even without a window, hides a tab behind one that it has opened. */
async function cover(page: Page): Promise<HiddenTab> {
  await page.evaluate(`new Promise((resolve) => {
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
    globalThis.front = open('about:blank');
  })`);
  assert.equal(await page.evaluate('document.visibilityState'), 'hidden');
  return { show: async () => void (await page.evaluate('front.close()')) };
}

/**
 * Chromium without a window takes every tab for seen. So it is told as if another were in front, and stopped altogether, as
 * are tabs that nobody has seen for long.
 */
async function freeze(page: Page): Promise<HiddenTab> {
  const tell = (state: 'hidden' | 'visible'): Promise<unknown> =>
    page.evaluate(`(() => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
      document.dispatchEvent(new Event('visibilitychange'));
    })()`);
  await tell('hidden');
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  return {
    thaw: async () => void (await session.send('Page.setWebLifecycleState', { state: 'active' })),
    show: async () => void (await tell('visible')),
  };
}
