// requires: chromium
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { connect, WebSocketServer } from '@pulsebeacon/websocket';
import { CHROMIUM } from '../support/browsers.ts';

test('a page in Chromium and a Node script talk with each other through our server', async (t) => {
  const http = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>page</title>');
  });
  const sockets = new WebSocketServer({
    path: '/room',
    message: (from, data, kind) => void sockets.broadcast(data, { kind, filter: (to) => to !== from }),
  }).attach(http);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  after(async () => {
    await sockets.close();
    http.close();
  });
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`;

  const browser = await CHROMIUM.launch();
  after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`http://${host}/`);
  // The page answers whatever it hears, and remembers how it ended.
  await page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket('ws://' + location.host + '/room');
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) =>
      socket.send(typeof data === 'string' ? 'the page heard ' + data : new Uint8Array(data).map((byte) => byte + 1));
    socket.onclose = ({ code, reason }) => (window.ended = code + ' ' + reason);
    socket.onopen = resolve;
  })`);

  const heard: (string | Uint8Array)[] = [];
  let wake = (): void => {};
  const script = await connect(`http://${host}/room`, {
    message: (_, data) => {
      heard.push(data);
      wake();
    },
  });
  t.after(() => script.terminate());
  script.send('the script');
  script.send(Uint8Array.of(1, 2, 3));
  while (heard.length < 2) await new Promise<void>((resolve) => (wake = resolve));
  assert.equal(heard[0], 'the page heard the script');
  assert.deepEqual(heard[1], Uint8Array.of(2, 3, 4));
  assert.equal(sockets.counts().open, 2);

  for (const connection of sockets.connections) connection.close(1001, 'good night');
  await page.waitForFunction('window.ended');
  assert.equal(await page.evaluate('window.ended'), '1001 good night');
});
