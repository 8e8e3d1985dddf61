// requires: chromium, curl
// The page of the program, as a person uses it.
// Screenshots go to build/screenshots. The one of the README is made by PULSEBEACON_SCREENSHOTS=docs/assets, which takes
// a minute more, and the port that it shows.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { Client } from '../support/client.ts';
import { found } from '../support/environment.ts';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

const executablePath = found('PULSEBEACON_CHROMIUM');
const target = process.env['PULSEBEACON_SCREENSHOTS'];
function serve(port: string, ...more: readonly string[]): Program {
  const args = ['serve', '--port', port, '--log-format', 'json', ...more];
  return new Program({ after }, process.execPath, [inClone('packages/gateway/bin/pulsebeacon.js'), ...args]);
}

const program = serve(target === undefined ? '0' : '8080', '--compression');
const [, port] = await program.printed(/"event":"ready".*?"port":(\d+)/);
const base = `http://localhost:${port}`;

const browser = await chromium.launch({
  executablePath,
  args: [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
after(() => browser.close());

const screenshots = inClone(target ?? 'build/screenshots');
await mkdir(screenshots, { recursive: true });

const contexts: BrowserContext[] = [];
/** What a browser complains of: errors, refused resources, violations of the policy, remarks on the console. */
const complaints: string[] = [];

async function openContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  contexts.push(context);
  context.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  context.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`);
  });
  return context;
}

async function openPage(context: BrowserContext, url = `${base}/`): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('#state[data-state=open]').waitFor();
  return page;
}

async function send(page: Page, text: string): Promise<void> {
  await page.locator('#message').fill(text);
  await page.locator('#message').press('Enter');
}

const echoCount = (page: Page, count: number): Promise<void> =>
  page.locator('#echo-open', { hasText: new RegExp(`^${count}$`) }).waitFor();

/** Runs the line of a terminal, for a second at most: a handshake would wait for frames. */
async function runCurl(line: string): Promise<string> {
  const curl = new Program({ after }, 'sh', ['-c', line.replace(/^curl /, 'exec "$PULSEBEACON_CURL" -sS -m 1 ')]);
  return (await curl.exit).stdout;
}

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
  if (program.hasExited) assert.fail(`the program has ended: ${JSON.stringify(await program.exit)}`);
  assert.deepEqual(complaints.splice(0), []);
});

describe('the page', () => {
  test('connects, sends, and shows what comes back with its time, size and round trip', async () => {
    const page = await openPage(await openContext());
    assert.equal(await page.title(), 'Pulse Beacon');
    assert.equal(await page.locator('#url').inputValue(), `ws://localhost:${port}/echo`);
    await send(page, 'hello');
    const row = page.locator('.row.received');
    await row.waitFor();
    assert.equal(await row.locator('.data').textContent(), 'hello');
    assert.match((await row.locator('time').textContent())!, /^\d\d:\d\d:\d\d\.\d{3}$/);
    assert.match((await row.locator('.meta').textContent())!, /^5 B · [\d.]+ ms$/);
    assert.match((await page.locator('#round-trip').textContent())!, /^round trip [\d.]+ ms$/);
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
    assert.equal(await first.locator('#total-open').textContent(), '4');
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
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
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
    const curl = await runCurl((await page.locator('#sample-curl').textContent())!);
    assert.match(
      curl,
      /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/,
    );
    await echoCount(page, 2);
    await page.getByRole('tab', { name: 'Counts' }).click();
    const count = await runCurl((await page.locator('#sample-count').textContent())!.split('\n')[1]!);
    assert.equal((JSON.parse(count) as { echo: { open: number } }).echo.open, 2);
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
      await page.screenshot({ path: path.join(screenshots, `page-${width}.png`), fullPage: true });
    }
  });

  test('is dark where the system is, with text that can be read', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await openPage(await openContext({ colorScheme, reducedMotion: 'reduce' }));
      await send(page, 'hello');
      await page.locator('.row.received').waitFor();
      const contrasts = (await page.evaluate(CONTRASTS)) as Record<string, number>;
      assert(Object.keys(contrasts).length > 12);
      for (const [what, contrast] of Object.entries(contrasts)) {
        // WCAG 2.2, 1.4.3: text needs 4.5.
        assert(contrast >= 4.5, `${colorScheme}: ${what} has ${contrast.toFixed(2)}`);
      }
      const brightness = Number(
        await page.evaluate('getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]'),
      );
      assert.equal(brightness < 64, colorScheme === 'dark');
      if (colorScheme === 'dark') await page.screenshot({ path: path.join(screenshots, 'page-dark.png') });
    }
  });

  test('looks as in the README', async () => {
    const page = await openPage(await openContext({ reducedMotion: 'reduce' }));
    // What others do meanwhile, to be seen in the line of the last minute.
    const others: Client[] = [];
    for (const step of [1, 1, 0, 1, -1, 1, 1, 0, -1]) {
      if (step > 0) others.push(await Client.open({ after }, `ws://localhost:${port}/echo`));
      if (step < 0) others.shift()!.socket.close();
      await page.waitForTimeout(target === undefined ? 20 : 6000);
    }
    for (const text of ['hello', '{"type":"cursor","x":412,"y":88}', 'Grüße aus Köln — ¡hola!']) {
      const rows = await page.locator('.row.received').count();
      await send(page, text);
      await page.locator('.row.received').nth(rows).waitFor();
    }
    await page.getByRole('radio', { name: 'Hex' }).check();
    await send(page, '48 65 6c 6c 6f 00 ff');
    await page.locator('.row.received').nth(3).waitFor();
    await page.getByRole('radio', { name: 'Text' }).check();
    await echoCount(page, 4);
    await page.screenshot({ path: path.join(screenshots, 'front-page.png') });
    for (const other of others) other.socket.close();
    for (const other of others) await other.closed;
  });
});

describe('the page, when the server goes', () => {
  test('says with which code, and that it tries to come back', async () => {
    const own = serve('0');
    const [, ownPort] = await own.printed(/"event":"ready".*?"port":(\d+)/);
    const page = await openPage(await openContext(), `http://localhost:${ownPort}/`);
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
      complaints.every((text) => /ERR_CONNECTION_REFUSED/.test(text)),
      complaints.join('\n'),
    );
    complaints.length = 0;
    await page.close();
    complaints.length = 0;
  });
});

/** What has moved by itself (web.dev: cumulative layout shift). The observer tells what was before it, and then nothing. */
const LAYOUT_SHIFTS = `new Promise((resolve) => {
  const shifts = [];
  const note = (list) => {
    for (const { value, sources } of list.getEntries()) {
      const moved = sources.map(({ node }) => node && (node.id || node.className || node.nodeName));
      if (value > 0.001) shifts.push(value.toFixed(4) + ' ' + moved.join(', '));
    }
  };
  const observer = new PerformanceObserver(note);
  observer.observe({ type: 'layout-shift', buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => {
    note({ getEntries: () => observer.takeRecords() });
    resolve(shifts);
  }));
})`;

/** The contrast of every kind of text with what is behind it, by the formula of WCAG 2.2. */
const CONTRASTS = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = ([r, g, b]) => [r, g, b].reduce((sum, value, at) => {
    const c = value / 255;
    return sum + [0.2126, 0.7152, 0.0722][at] * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return rgba('white');
  };
  const found = {};
  for (const selector of ['h1', '.intro p', '.intro p code', '.sample code', '.sample .str', '.tabs button', '.copy', '.top nav a',
    '.field span', '#url', '#close-code', '#connect', '#state-text', '.round-trip', '.row time', '.row .data', '.row .meta b',
    '#send', '.hint', 'dt', 'dd', '.live-state', '.head dd']) {
    const element = document.querySelector(selector);
    if (!element) continue;
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(behind(element))].sort((x, y) => y - x);
    found[selector] = (a + 0.05) / (b + 0.05);
  }
  return found;
})()`;
