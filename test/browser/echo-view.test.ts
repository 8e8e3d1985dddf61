// requires: chromium, curl
// The echo, on the page of the program, as a person uses it.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { contrastsOf, FrontPage, LAYOUT_SHIFTS, serve } from '../support/front-page.ts';
import { Program } from '../support/program.ts';

const frontPage = await FrontPage.start('--compression');
const { base, port, complaints, screenshots } = frontPage;
const openContext: FrontPage['openContext'] = (options) => frontPage.openContext(options);
const openPage: FrontPage['openEcho'] = (context, at) => frontPage.openEcho(context, at);

async function send(page: Page, text: string): Promise<void> {
  await page.locator('#message').fill(text);
  await page.locator('#message').press('Enter');
}

const echoCount = (page: Page, count: number): Promise<void> =>
  page.locator('#echo-open', { hasText: new RegExp(`^${count}$`) }).waitFor();

/** Runs the line of a terminal. */
const runCurl = (line: string): Program =>
  new Program({ after }, 'sh', ['-c', line.replace(/^curl /, 'exec "$PULSEBEACON_CURL" -sS ')]);

const TEXTS = [
  '.view-echo h1',
  '.view-echo .intro p',
  '.view-echo .intro p code',
  '.sample code',
  '.sample .str',
  '.sample .tabs button',
  '.sample .copy',
  '.views [aria-selected="true"]',
  '.views [aria-selected="false"]',
  '.top nav a',
  '.live-state',
  '.field span',
  '#url',
  '#close-code',
  '#connect',
  '#state-text',
  '.round-trip',
  '.row time',
  '.row .data',
  '.row .meta b',
  '#send',
  '#hint',
  '#echo-counts dt',
  '#echo-counts dd',
  '#response dd',
];

describe('the echo of the page', () => {
  test('connects, sends, and shows what comes back with its time, size and round trip', async () => {
    const page = await openPage(await openContext());
    assert.equal(await page.title(), 'Pulse Beacon');
    assert.equal(await page.locator('#url').inputValue(), `ws://localhost:${port}/echo`);
    await send(page, 'hello');
    const row = page.locator('.row.received');
    await row.waitFor();
    assert.equal(await row.locator('.data').textContent(), 'hello');
    assert.match((await row.locator('time').textContent())!, /^\d\d:\d\d:\d\d\.\d{3}$/);
    assert.match((await row.locator('.meta').textContent())!, /^5 B · [\d.,]+ ms$/);
    assert.match((await page.locator('#round-trip').textContent())!, /^round trip [\d.,]+ ms$/);
    assert.equal(await page.locator('.row.sent .data').textContent(), 'hello');
  });

  test('takes markup for text', async () => {
    const page = await openPage(await openContext());
    const text = '<img src=x onerror="window.hit = 1"><script>window.hit = 1</script>';
    await send(page, text);
    await page.locator('.row.received').waitFor();
    assert.equal(await page.locator('.row.received .data').textContent(), text);
    assert.equal(await page.locator('#list img, #list script').count(), 0);
    assert.equal(await page.evaluate('window.hit'), undefined);
  });

  test('sends bytes that are written as hexadecimal, and shows those that come', async () => {
    const page = await openPage(await openContext());
    await page.getByRole('radio', { name: 'Hex' }).check();
    await send(page, '48 65 6c 6C 6f, 0x00 ff');
    const data = page.locator('.row.received .data');
    await data.waitFor();
    assert.equal(await data.textContent(), 'binary48 65 6c 6c 6f 00 ffHello··');
    await send(page, '4 8 x');
    assert.match((await page.locator('#hint-text').textContent())!, /^This is not hexadecimal/);
    assert.equal(await page.locator('#message').getAttribute('aria-invalid'), 'true');
    assert.equal(await page.locator('.row.sent').count(), 1);
  });

  test('brings back earlier messages by the arrow keys, and keeps what was being written', async () => {
    const page = await openPage(await openContext());
    const field = page.locator('#message');
    for (const text of ['one', 'two', 'two', 'three']) await send(page, text);
    await field.fill('draft');
    const seen: string[] = [];
    for (const key of [
      'ArrowUp',
      'ArrowUp',
      'ArrowUp',
      'ArrowUp',
      'ArrowDown',
      'ArrowDown',
      'ArrowDown',
      'ArrowDown',
    ]) {
      await field.press(key);
      seen.push(await field.inputValue());
    }
    assert.deepEqual(seen, ['three', 'two', 'one', 'one', 'two', 'three', 'draft', 'draft']);
    await field.fill('first line');
    await field.press('Shift+Enter');
    await field.pressSequentially('second');
    assert.equal(await field.inputValue(), 'first line\nsecond');
    // Within several lines the arrow moves from line to line.
    await field.press('ArrowUp');
    assert.equal(await field.inputValue(), 'first line\nsecond');
  });

  test('closes with the code that one chooses, and connects again with a subprotocol', async () => {
    const page = await openPage(await openContext());
    await page.locator('#close-code').fill('1234');
    await page.getByRole('button', { name: 'Disconnect' }).click();
    assert.match((await page.locator('#state-text').textContent())!, /1000, or with a code from 3000 to 4999/);
    await page.locator('#close-code').fill('4002');
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.locator('#state[data-state=closed]').waitFor();
    assert.equal(await page.locator('#state-text').textContent(), 'Closed with 4002, of the application');
    assert(await page.getByRole('button', { name: 'Send' }).isDisabled());
    await page.locator('#subprotocol').fill('chat.v2, chat.v1');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.locator('#state[data-state=open]').waitFor();
    assert.equal(await page.locator('#state-text').textContent(), 'Open, subprotocol chat.v2');
    await page.locator('#response dd', { hasText: 'chat.v2' }).waitFor();
  });

  test('shows both heads of the handshake, as they were', async () => {
    const page = await openPage(await openContext());
    await page.locator('#response .status-line').waitFor();
    const fields = async (panel: string): Promise<Record<string, string>> => {
      const [names, values] = await Promise.all([
        page.locator(`${panel} dt`).allTextContents(),
        page.locator(`${panel} dd`).allTextContents(),
      ]);
      return Object.fromEntries(names.map((name, index) => [name, values[index]!]));
    };
    assert.equal(await page.locator('#response .status-line').textContent(), 'HTTP/1.1 101 Switching Protocols');
    const answer = await fields('#response');
    assert.equal(answer['Upgrade'], 'websocket');
    assert.equal(answer['Connection'], 'Upgrade');
    assert.match(answer['Sec-WebSocket-Accept']!, /^[\w+/]{27}=$/);
    assert.match(answer['Sec-WebSocket-Extensions']!, /^permessage-deflate/);
    await page.getByRole('tab', { name: 'Request' }).click();
    assert.match(
      (await page.locator('#request .status-line').textContent())!,
      /^GET \/echo\?trace=[\da-f]{32} HTTP\/1\.1$/,
    );
    const request = await fields('#request');
    assert.equal(request['Host'], `localhost:${port}`);
    assert.equal(request['Origin'], base);
    assert.equal(request['Sec-WebSocket-Version'], '13');
    assert(await page.locator('#request').isVisible());
    assert(await page.locator('#response').isHidden());
  });

  test('counts: two tabs, 2, back to 1', async () => {
    const context = await openContext();
    const first = await openPage(context);
    await echoCount(first, 1);
    const second = await openPage(context);
    await echoCount(first, 2);
    await echoCount(second, 2);
    // Of each page: the echo, the counts, and the channel by three transports.
    await first.locator('#total-open', { hasText: /^10$/ }).waitFor();
    await second.close();
    await echoCount(first, 1);
    await first.getByRole('button', { name: 'Disconnect' }).click();
    await echoCount(first, 0);
    assert.match((await first.locator('#sparkline').getAttribute('aria-label'))!, /now 0, at most [12]$/);
  });

  test('has lines to copy, with its own address', async () => {
    const context = await openContext();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await openPage(context);
    await page.locator('#copy', { hasText: 'Copy' }).click();
    await page.locator('#copy', { hasText: 'Copied' }).waitFor();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    assert.equal(
      copied,
      `const socket = new WebSocket('ws://localhost:${port}/echo');\n` +
        `socket.onopen = () => socket.send('hello');\n` +
        'socket.onmessage = ({ data }) => console.log(data);\n' +
        '// prints: hello',
    );
    // They are what they seem: the page itself runs them.
    const log = page.waitForEvent('console');
    await page.evaluate(String(copied));
    assert.equal((await log).text(), 'hello');
    assert.deepEqual(complaints.splice(0), ['log: hello']);
    await page.getByRole('tab', { name: 'curl' }).click();
    const curl = runCurl((await page.locator('#sample-curl').textContent())!);
    await curl.printed(
      /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/,
    );
    // That of the page, that of the line for browsers, and this one, which waits for frames.
    await echoCount(page, 3);
    await curl.stop();
    await echoCount(page, 2);
    await page.getByRole('tab', { name: 'Counts' }).click();
    const { stdout } = await runCurl((await page.locator('#sample-count').textContent())!.split('\n')[1]!).exit;
    assert.equal((JSON.parse(stdout) as { echo: { open: number } }).echo.open, 2);
  });

  test('works by keyboard alone', async () => {
    const page = await openPage(await openContext());
    await page.locator('#tab-js').focus();
    await page.keyboard.press('ArrowRight');
    assert(await page.locator('#sample-curl').isVisible());
    await page.keyboard.press('End');
    assert(await page.locator('#sample-count').isVisible());
    const visited: string[] = [];
    for (let step = 0; step < 14; step++) {
      await page.keyboard.press('Tab');
      visited.push(String(await page.evaluate('document.activeElement.id || document.activeElement.name')));
    }
    const order = [
      'copy',
      'sample-count',
      'url',
      'close-code',
      'connect',
      'messages',
      'kind',
      'message',
      'send',
      'tab-response',
      'response',
    ];
    assert.deepEqual(visited.filter((id) => order.includes(id)).slice(0, order.length), order);
  });

  test('stays within narrow screens, and does not move when it connects', async () => {
    for (const width of [320, 390, 768, 1024]) {
      const page = await openPage(await openContext({ viewport: { width, height: 800 } }));
      await page.locator('#response .status-line').waitFor();
      await page.locator('#live-state[data-state=open]').waitFor();
      assert.deepEqual(await page.evaluate(LAYOUT_SHIFTS), [], `at ${width}`);
      await send(page, 'a-word-without-a-place-to-break-'.repeat(20));
      await page.locator('.row.received').waitFor();
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
      await page.screenshot({ path: path.join(screenshots, `echo-${width}.png`), fullPage: true });
    }
  });

  test('is dark where the system is, with text that can be read', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await openPage(await openContext({ colorScheme, reducedMotion: 'reduce' }));
      await send(page, 'hello');
      await page.locator('.row.received').waitFor();
      const contrasts = await contrastsOf(page, TEXTS);
      assert.deepEqual(Object.keys(contrasts), TEXTS);
      for (const [what, contrast] of Object.entries(contrasts)) {
        // WCAG 2.2, 1.4.3: text needs 4.5.
        assert(contrast >= 4.5, `${colorScheme}: ${what} has ${contrast.toFixed(2)}`);
      }
      const brightness = Number(
        await page.evaluate('getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]'),
      );
      assert.equal(brightness < 64, colorScheme === 'dark');
      if (colorScheme === 'dark') await page.screenshot({ path: path.join(screenshots, 'echo-dark.png') });
    }
  });
});

describe('the echo of the page, when the server goes', () => {
  test('says with which code, and that it tries to come back', async () => {
    const { program: own, port: ownPort } = await serve();
    const page = await openPage(await openContext(), `http://localhost:${ownPort}`);
    const { code } = await own.stop('SIGINT');
    assert.equal(code, 0);
    await page.locator('#state[data-state=closed]').waitFor();
    assert.match(
      (await page.locator('#state-text').textContent())!,
      /^Closed with 1001, the server is going away: the server is shutting down$/,
    );
    await page.locator('#live-state[data-state=failed]').waitFor();
    assert.match((await page.locator('#live-text').textContent())!, /trying again$/);
    // It does try again, and the browser says so.
    await page.waitForEvent('console');
    assert(
      complaints.some((text) => /ERR_CONNECTION_REFUSED/.test(text)),
      complaints.join('\n'),
    );
    complaints.length = 0;
    await page.close();
    complaints.length = 0;
  });
});
