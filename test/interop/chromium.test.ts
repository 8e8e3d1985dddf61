// requires: chromium
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/browsers.ts';
import { Site } from '../support/site.ts';

const site = await Site.start({ after });
const browser = await CHROMIUM.launch();
after(() => browser.close());

/** What a page may do with a WebSocket, in the page itself. */
const IN_PAGE = `
  window.open_ = (path, protocols) => new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://' + location.host + path, protocols);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => resolve(socket);
    socket.onclose = ({ code }) => reject(new Error('closed with ' + code));
  });
  window.next = (socket) => new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
  window.ask = (socket, data) => { const answer = next(socket); socket.send(data); return answer; };
  window.ended = (socket) => new Promise((resolve) =>
    (socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean })));
`;

async function openPage(origin = `http://127.0.0.1:${site.port}`): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${origin}/page`);
  await page.addScriptTag({ content: IN_PAGE });
  return page;
}

describe('the WebSocket of Chromium', () => {
  for (const [path, extensions] of Object.entries({
    '/echo': '',
    '/deflate': 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    '/takeover': 'permessage-deflate',
    '/small-windows': 'permessage-deflate; client_max_window_bits=10',
    '/fragments': 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  })) {
    test(`text and binary of every length form, at ${path}`, async () => {
      const page = await openPage();
      const seen = await page.evaluate(`(async () => {
        const socket = await open_('${path}');
        let wrong = [];
        for (const length of [0, 1, 125, 126, 127, 65535, 65536, 65537, 200000]) {
          const text = 'é'.repeat(length / 2) + 'x'.repeat(length % 2);
          if ((await ask(socket, text)) !== text) wrong.push('text ' + length);
          const bytes = Uint8Array.from({ length }, (_, i) => (i * i) >> 3);
          const back = new Uint8Array(await ask(socket, bytes));
          if (back.length !== length || !back.every((byte, i) => byte === bytes[i])) wrong.push('binary ' + length);
        }
        const sentence = 'the same sentence again and again, '.repeat(200);
        for (let i = 0; i < 30; i++) if ((await ask(socket, i + sentence)) !== i + sentence) wrong.push('again ' + i);
        const { extensions } = socket;
        const end = ended(socket);
        socket.close(3001, 'grüß dich');
        return { wrong, extensions, ...(await end) };
      })()`);
      assert.deepEqual(seen, { wrong: [], extensions, code: 3001, reason: '', wasClean: true });
      assert.deepEqual(await site.ended(path), { code: 3001, reason: 'grüß dich', wasClean: true });
      await page.close();
    });
  }

  test('subprotocols, closing by the server, and a message above the limit', async () => {
    const page = await openPage();
    const seen = await page.evaluate(`(async () => {
      const protocol = (await open_('/echo', ['v2.echo', 'v1.echo'])).protocol;
      const ends = [];
      for (const command of ['close 4001 bye', 'close', 'terminate']) {
        const socket = await open_('/commands');
        const end = ended(socket);
        socket.send(command);
        ends.push(Object.values(await end));
      }
      const greedy = await open_('/deflate');
      const end = ended(greedy);
      greedy.send(new Uint8Array(1048577));
      return { protocol, ends, tooLarge: (await end).code };
    })()`);
    assert.deepEqual(seen, {
      protocol: 'v2.echo',
      ends: [
        [4001, 'bye', true],
        [1000, '', true],
        [1006, '', false],
      ],
      tooLarge: 1009,
    });
    await page.close();
  });

  test('a page that is closed says 1001', async () => {
    const page = await openPage();
    await page.evaluate(`open_('/commands').then(() => {})`);
    for (let left = 3; left > 0; left--) await site.ended('/commands');
    await page.close();
    assert.equal((await site.ended('/commands')).code, 1001);
  });

  test('a page of another origin does not come in', async (t) => {
    const other = createServer((_request, response) => response.end('<!doctype html>'));
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    t.after(() => other.closeAllConnections());
    t.after(() => other.close());
    const page = await openPage(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);
    const outcome = await page.evaluate(`new Promise((resolve) => {
      const socket = new WebSocket('ws://127.0.0.1:${site.port}/echo');
      socket.onopen = () => resolve('opened');
      socket.onclose = ({ code }) => resolve(code);
    })`);
    assert.equal(outcome, 1006);
    await page.close();
  });
});
