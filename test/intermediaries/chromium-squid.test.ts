// requires: chromium, squid
// A browser whose network lets it out by a forward proxy with a password, and by nothing else.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { ACCOUNT } from '../support/accounts.ts';
import { CHROMIUM } from '../support/browsers.ts';
import { startServe } from '../support/served.ts';
import { startSquid } from '../support/squid.ts';

/** What squid logs of each request that is over. */
const logged: string[] = [];
const log = createServer((socket) => {
  socket.on('error', () => {}).setEncoding('utf8');
  socket.on('data', (text: string) => {
    logged.push(...text.split('\n').filter(Boolean));
    log.emit('line');
  });
});
log.listen(0, '127.0.0.1');
await once(log, 'listening');
after(() => log.close());

const [{ port }, squid, browser] = await Promise.all([
  startServe({ after }),
  startSquid({ after }, ['basic'], { logPort: (log.address() as AddressInfo).port }),
  CHROMIUM.launch(),
]);
after(() => browser.close());
const server = `http://127.0.0.1:${squid}`;

/** Runs in the page: a message there and back. */
const ECHO = `new Promise((resolve, reject) => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/echo');
  socket.onopen = () => socket.send('through the proxy');
  socket.onmessage = ({ data }) => { socket.close(1000); resolve(data); };
  socket.onerror = () => reject(new Error('the WebSocket failed'));
})`;

test('the page and its WebSocket come through squid, which asks for a password', async () => {
  const context = await browser.newContext({ proxy: { server, ...ACCOUNT } });
  const page = await context.newPage();
  const answer = await page.goto(`http://127.0.0.1:${port}/`);
  assert.equal(answer!.status(), 200);
  await page.locator('.lane[data-state=open]').nth(2).waitFor();
  assert.equal(await page.evaluate(ECHO), 'through the proxy');
  await context.close();
  const opened = new RegExp(`TCP_TUNNEL/200 .* CONNECT 127\\.0\\.0\\.1:${port} ${ACCOUNT.username} `);
  while (!logged.some((line) => opened.test(line))) await once(log, 'line');
});

test('with another password nothing comes through', async () => {
  const context = await browser.newContext({ proxy: { server, username: ACCOUNT.username, password: 'wrong' } });
  const page = await context.newPage();
  const outcome = await page.goto(`http://127.0.0.1:${port}/live`).then((answer) => answer!.status(), String);
  assert.match(String(outcome), /^407$|ERR_INVALID_AUTH_CREDENTIALS|ERR_PROXY_AUTH/);
  await context.close();
});
