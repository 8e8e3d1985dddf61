// requires: chromium, curl
// The page of the program, as a person uses it: a channel, live by three transports.
// Screenshots go to build/screenshots. The one of the README is made by PULSEBEACON_SCREENSHOTS=docs/assets, which takes
// a minute more, and the port that it shows.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { Client } from '../support/client.ts';
import { contrastsOf, FrontPage, LAYOUT_SHIFTS, README_ASSETS, serve } from '../support/front-page.ts';
import { Program } from '../support/program.ts';

const frontPage = await FrontPage.start('--compression', ...(README_ASSETS === undefined ? [] : ['--port', '8080']));
const { base, port, complaints, screenshots } = frontPage;

const TRANSPORTS = ['WebSocket', 'Server-Sent Events', 'Long poll'] as const;

const laneOf = (page: Page, transport: string): Locator => page.getByRole('article', { name: transport, exact: true });

/** What a transport has brought, the oldest first. */
async function textsOf(lane: Locator, kind = 'arrival'): Promise<string[]> {
  return (await lane.locator(`.${kind} .data`).allTextContents()).reverse();
}

/** Types something, publishes it by Enter, and waits until the server has taken it. */
async function publish(page: Page, text: string): Promise<void> {
  const before = await page.locator('#receipt').textContent();
  await page.locator('#payload').fill(text);
  await page.locator('#payload').press('Enter');
  await page.locator('#receipt', { hasNotText: before === '' ? /^$/ : before! }).waitFor();
}

/** Publishes from elsewhere. */
async function post(body: string, at = base): Promise<void> {
  const answer = await fetch(`${at}/channels/demo`, { method: 'POST', body });
  assert.equal(answer.status, 201);
}

const arrivalOf = (lane: Locator, text: string, kind = 'arrival'): Locator =>
  lane.locator(`.${kind}`, { has: lane.page().getByText(text, { exact: true }) });

async function cutOff(page: Page, transport: string): Promise<void> {
  await page.getByRole('button', { name: `Cut off ${transport}` }).click();
  await laneOf(page, transport).locator('.state-text', { hasText: 'cut off' }).waitFor();
}

async function reconnect(page: Page, transport: string): Promise<void> {
  await page.getByRole('button', { name: `Reconnect ${transport}` }).click();
  await laneOf(page, transport).locator('.state-text', { hasText: 'live since' }).waitFor();
}

/** Runs a line of the page in a shell, with curl as it was found. */
function runLine(line: string): Program {
  const command = line.replace(/^curl /, 'exec "$PULSEBEACON_CURL" -sS ');
  return new Program({ after }, 'sh', ['-c', command]);
}

const TEXTS = [
  '.view-channel h1',
  '.view-channel .intro p',
  '.view-channel .intro code',
  '.views [aria-selected="true"]',
  '.live-state',
  '#watching h2',
  '#watching dt',
  '#watching dd',
  '.publish .hint',
  '.publish .hint code',
  '.receipt',
  '#payload',
  '#publish-button',
  '.lane h2',
  '.how',
  '.figure',
  '.unit',
  '.lane .state-text',
  '.lane .chip:not([hidden])',
  '.lane .quiet',
  '.arrival.live .data',
  '.arrival.live .meta b',
  '.arrival.missed .meta b',
  '.arrival .tag',
  '.arrivals .gap',
  '#lines .name',
  '#lines code',
  '#lines .str',
  '#lines .copy',
  '.kind.small input:not(:checked) + span',
  '#channel-response dt',
  '#channel-response dd',
];

describe('the page', () => {
  test('brings what is published by three transports, each with its time from the click', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    assert.equal(await page.title(), 'Pulse Beacon');
    await publish(page, 'hello, all three');
    assert.match((await page.locator('#receipt').textContent())!, /^201 · position [\w-]+\.\d+ · [\d.,]+ ms$/);
    for (const transport of TRANSPORTS) {
      const lane = laneOf(page, transport);
      const row = arrivalOf(lane, 'hello, all three', 'live');
      await row.locator('.meta', { hasText: /^[\d.]+ m?s$/ }).waitFor();
      assert.equal(await lane.locator('.figure').textContent(), await row.locator('.meta').textContent());
      assert.match((await lane.locator('.state-text').textContent())!, /^live since \d\d:\d\d:\d\d$/);
    }
  });

  test('takes markup for text', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    const text = '<img src=x onerror="window.hit = 1"><script>window.hit = 1</script>';
    await publish(page, text);
    for (const transport of TRANSPORTS) await arrivalOf(laneOf(page, transport), text, 'live').waitFor();
    assert.equal(await page.locator('.arrivals img, .arrivals script').count(), 0);
    assert.equal(await page.evaluate('window.hit'), undefined);
  });

  test('publishes JSON as JSON, and says what is none', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    await page.getByRole('radio', { name: 'JSON' }).check();
    assert.equal(await page.locator('#payload').inputValue(), '{"hello":"world"}');
    await publish(page, '{ "x": [1, 2] }');
    for (const transport of TRANSPORTS) await arrivalOf(laneOf(page, transport), '{"x":[1,2]}', 'live').waitFor();
    const { publications } = (await (await fetch(`${base}/channels/demo`)).json()) as {
      publications: { contentType: string; data: unknown }[];
    };
    assert.match(publications.at(-1)!.contentType, /^application\/json/);
    assert.deepEqual(publications.at(-1)!.data, { x: [1, 2] });
    await page.locator('#payload').fill('{x');
    await page.locator('#payload').press('Enter');
    await page.locator('#publish-hint', { hasText: /^\s*This is not JSON: / }).waitFor();
    assert.equal(await page.locator('#payload').getAttribute('aria-invalid'), 'true');
  });

  test('says what the server says of a publication that it does not take', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    const detail = 'the payload has 9 bytes: a message of demo has at most 8';
    await page.route('**/channels/demo', (route) =>
      route.fulfill({ status: 413, contentType: 'application/problem+json', body: JSON.stringify({ detail }) }),
    );
    const heard = page.waitForEvent('console');
    await page.locator('#publish-button').click();
    await page.locator('#publish-hint', { hasText: `Not published, 413: ${detail}` }).waitFor();
    await heard;
    assert.equal(complaints.length, 2);
    complaints.length = 0;
  });

  test('asks for a key where publishing needs one, and publishes with it', async () => {
    const { program, port: ownPort } = await serve('--host', '0.0.0.0');
    const [, key] = await program.printed(/shown this once: (\S+)/);
    // As if it came by way of a proxy: so it is not of this machine.
    const context = await frontPage.openContext({ extraHTTPHeaders: { 'X-Forwarded-For': '192.0.2.1' } });
    const page = await frontPage.openChannel(context, `http://localhost:${ownPort}`);
    assert(await page.getByLabel('Key').isHidden());
    await page.locator('#publish-button').click();
    await page.locator('#publish-hint', { hasText: 'Not published, 401: ' }).waitFor();
    await page.getByLabel('Key').fill(key!);
    await page.getByLabel('Key').press('Enter');
    for (const transport of TRANSPORTS) await arrivalOf(laneOf(page, transport), 'hello', 'live').waitFor();
    assert.equal(complaints.length, 2);
    complaints.length = 0;
    await page.close();
  });

  test('shows what was published before it came, on all transports', async () => {
    await post('before the page');
    const page = await frontPage.openChannel(await frontPage.openContext());
    for (const transport of TRANSPORTS) {
      const lane = laneOf(page, transport);
      assert.equal((await textsOf(lane, 'earlier')).at(-1), 'before the page');
      assert.equal(await lane.locator('.arrival.missed').count(), 0);
    }
  });

  for (const transport of TRANSPORTS) {
    test(`${transport}: cut off and back, everything that was missed is there, once, in order, and marked`, async () => {
      const page = await frontPage.openChannel(await frontPage.openContext());
      const lane = laneOf(page, transport);
      const other = laneOf(page, TRANSPORTS.find((name) => name !== transport)!);
      await publish(page, `${transport} before`);
      await arrivalOf(lane, `${transport} before`).waitFor();
      await cutOff(page, transport);
      await publish(page, `${transport} from the page`);
      await post(`${transport} from elsewhere`);
      await post(`${transport} from elsewhere, too`);
      await lane.locator('.gap', { hasText: /^cut off since [\d:]+, missing 3$/ }).waitFor();
      await arrivalOf(other, `${transport} from elsewhere, too`).waitFor();
      assert.equal(await arrivalOf(lane, `${transport} from elsewhere`).count(), 0);
      await reconnect(page, transport);
      await lane.locator('.chip', { hasText: 'recovered 3 missed' }).waitFor();
      await publish(page, `${transport} after`);
      await arrivalOf(lane, `${transport} after`).waitFor();
      await arrivalOf(other, `${transport} after`).waitFor();
      const missed = ['from the page', 'from elsewhere', 'from elsewhere, too'].map((text) => `${transport} ${text}`);
      assert.deepEqual(await textsOf(lane, 'missed'), missed);
      assert.deepEqual(await textsOf(lane), await textsOf(other));
      assert.match((await lane.locator('.gap').textContent())!, /^cut off [\d:]+ – [\d:]+$/);
      assert.equal(await lane.locator('.tag', { hasText: 'recovered' }).count(), 3);
    });
  }

  test('recovers all three at once, from what nobody on the page has seen', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    for (const transport of TRANSPORTS) await cutOff(page, transport);
    const texts = ['unseen 1', 'unseen 2', 'unseen 3', 'unseen 4'];
    for (const text of texts) await post(text);
    // By the clock of the server, of whole milliseconds, they are older than what follows.
    await page.waitForTimeout(2);
    for (const transport of TRANSPORTS) await reconnect(page, transport);
    for (const transport of TRANSPORTS) {
      const lane = laneOf(page, transport);
      await lane.locator('.chip', { hasText: 'recovered 4 missed' }).waitFor();
      assert.deepEqual(await textsOf(lane, 'missed'), texts);
    }
  });

  test('counts the pages: two tabs, 2, back to 1', async () => {
    const context = await frontPage.openContext();
    const pages = (page: Page, count: number): Promise<void> =>
      page.locator('#pages-open', { hasText: new RegExp(`^${count}$`) }).waitFor();
    const first = await frontPage.openChannel(context);
    await pages(first, 1);
    const second = await frontPage.openChannel(context);
    await pages(first, 2);
    await pages(second, 2);
    const byTransport = (count: number): Promise<void[]> =>
      Promise.all(
        TRANSPORTS.map((name) =>
          laneOf(first, name)
            .locator('.followers', { hasText: new RegExp(`^${count} open$`) })
            .waitFor(),
        ),
      );
    await byTransport(2);
    await first.locator('#all-open', { hasText: /^8$/ }).waitFor();
    await second.close();
    await pages(first, 1);
    await byTransport(1);
    assert.match((await first.locator('#watching .sparkline').getAttribute('aria-label'))!, /now 1, at most [12]$/);
  });

  test('shows both heads of the handshake of the channel, as they were', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    const card = page.locator('#channel-handshake');
    await card.locator('#channel-response dd', { hasText: 'pulsebeacon.json' }).waitFor();
    assert.equal(
      await card.locator('#channel-response .status-line').textContent(),
      'HTTP/1.1 101 Switching Protocols',
    );
    await card.getByRole('tab', { name: 'Request' }).click();
    assert.match(
      (await card.locator('#channel-request .status-line').textContent())!,
      /^GET \/channels\/demo\?since=[\w.-]+&trace=[\da-f]{32} HTTP\/1\.1$/,
    );
    assert(await card.locator('#channel-response').isHidden());
  });

  test('has lines to copy, with its own address, that do what they say', async () => {
    const context = await frontPage.openContext();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await frontPage.openChannel(context);
    const news = `localhost:${port}/channels/news`;
    const copy = async (name: string): Promise<string> => {
      const button = page.getByRole('button', { name: `Copy ${name}`, exact: true });
      await button.click();
      await page.getByRole('button', { name: `Copied ${name}`, exact: true }).waitFor();
      return String(await page.evaluate('navigator.clipboard.readText()'));
    };
    const lines = new Map<string, string>();
    for (const name of await page.locator('#lines .name').allTextContents()) lines.set(name, await copy(name));
    assert.deepEqual(
      [...lines],
      [
        ['Follow', `curl -N '${news}?follow'`],
        ['Publish', `curl -d hello ${news}`],
        ['History', `curl ${news}`],
        ['Newest', `curl '${news}?last'`],
        ['Long poll', `curl '${news}?wait=25'`],
        ['Recover', `curl -N -H 'Accept: text/event-stream' \\\n  -H 'Last-Event-ID: POSITION' ${news}`],
        [
          'WebSocket',
          `const socket = new WebSocket('ws://${news}');\n` +
            'socket.onmessage = ({ data }) => console.log(data);\n' +
            "socket.onopen = () => socket.send('hello');",
        ],
        ['EventSource', `new EventSource('http://${news}')\n  .onmessage = ({ data }) => console.log(data);`],
      ],
    );

    const { position } = JSON.parse((await runLine(lines.get('Publish')!).exit).stdout) as { position: string };
    assert.match((await runLine(lines.get('History')!).exit).stdout, new RegExp(`"position":"${position}"`));
    assert.equal((await runLine(lines.get('Newest')!).exit).stdout.trim(), 'hello');
    const recovering = runLine(lines.get('Recover')!.replace('POSITION', position));
    await recovering.printed(/event: subscribed/);
    const polling = runLine(lines.get('Long poll')!);
    // The page itself runs what is for a console: both hear what the WebSocket publishes.
    const logs = [page.waitForEvent('console'), recovering.printed(/^data: .*"hello"/m)];
    await page.evaluate(lines.get('WebSocket')!);
    await Promise.all(logs);
    assert.deepEqual(complaints.splice(0), ['log: hello']);
    polling.child.kill();
    recovering.child.kill();
  });

  test('shows the lines for its own channel, with the position it is at', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    await page.getByRole('radio', { name: 'demo' }).check();
    await publish(page, 'for the position');
    const [, position] = /position (\S+)/.exec((await page.locator('#receipt').textContent())!)!;
    const recover = page.locator('#lines code', { hasText: `Last-Event-ID: ${position}` });
    await recover.waitFor();
    assert.match((await recover.textContent())!, new RegExp(` localhost:${port}/channels/demo$`));
  });

  test('has the echo as its other view, by click, by keyboard and by address', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    assert(await page.locator('#view-echo').isHidden());
    await page.locator('#echo-open', { hasText: /^0$/ }).waitFor({ state: 'attached' });
    await page.getByRole('tab', { name: 'Echo' }).click();
    await page.locator('#state[data-state=open]').waitFor();
    assert(await page.locator('#view-channel').isHidden());
    await page.waitForURL(`${base}/#echo`);
    await page.locator('#tab-echo').press('ArrowLeft');
    assert(await page.locator('#view-channel').isVisible());
    await page.waitForURL(`${base}/`);
    await page.evaluate("location.hash = 'echo'");
    await page.locator('#view-echo').waitFor();
    await page.locator('#echo-open', { hasText: /^1$/ }).waitFor();
  });

  test('works by keyboard alone', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    await page.locator('#tab-channel').focus();
    const visited: string[] = [];
    for (let step = 0; step < 22; step++) {
      await page.keyboard.press('Tab');
      visited.push(
        String(
          await page.evaluate(`(({ id, name, className, textContent }) =>
            id || name || (className === 'arrivals' ? 'arrivals' : textContent))(document.activeElement)`),
        ),
      );
    }
    const order = [
      'kind',
      'payload',
      'publish-button',
      'Cut off WebSocket',
      'arrivals',
      'Cut off Server-Sent Events',
      'arrivals',
      'Cut off Long poll',
      'arrivals',
      'lines-channel',
      'Copy Follow',
      'Copy Publish',
    ];
    assert.deepEqual(visited.slice(visited.indexOf('kind'), visited.indexOf('kind') + order.length), order);
    await page.locator('#payload').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('typed');
    await page.keyboard.press('Enter');
    for (const transport of TRANSPORTS) await arrivalOf(laneOf(page, transport), 'typed', 'live').waitFor();
    // The text stays, selected: what is typed next takes its place, and the arrow brings it back.
    await page.keyboard.type('next');
    assert.equal(await page.locator('#payload').inputValue(), 'next');
    await page.keyboard.press('ArrowUp');
    assert.equal(await page.locator('#payload').inputValue(), 'typed');
  });

  test('stays within narrow screens, and does not move when it connects', async () => {
    for (const width of [320, 360, 768, 1024]) {
      const page = await frontPage.openChannel(await frontPage.openContext({ viewport: { width, height: 800 } }));
      await page.locator('#channel-response .status-line').waitFor();
      await page.locator('#live-state[data-state=open]').waitFor();
      assert.deepEqual(await page.evaluate(LAYOUT_SHIFTS), [], `at ${width}`);
      await publish(page, 'a-word-without-a-place-to-break-'.repeat(20));
      await laneOf(page, 'Long poll').locator('.arrival.live').waitFor();
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
      await page.screenshot({ path: path.join(screenshots, `page-${width}.png`), fullPage: true });
    }
  });

  test('is dark where the system is, with text that can be read', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await frontPage.openChannel(await frontPage.openContext({ colorScheme, reducedMotion: 'reduce' }));
      await page.locator('#channel-response dd').first().waitFor();
      await cutOff(page, 'Server-Sent Events');
      await publish(page, 'missed');
      await reconnect(page, 'Server-Sent Events');
      await publish(page, 'hello');
      for (const transport of TRANSPORTS) await arrivalOf(laneOf(page, transport), 'hello', 'live').last().waitFor();
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
      if (colorScheme === 'dark') await page.screenshot({ path: path.join(screenshots, 'page-dark.png') });
    }
  });

  test('leaves connections for the others where many windows are open; it waits for a share, and misses nothing', async () => {
    const context = await frontPage.openContext();
    const first = await frontPage.openChannel(context);
    await frontPage.openChannel(context);
    const third = await context.newPage();
    await third.goto(`${base}/`);
    for (const transport of ['Server-Sent Events', 'Long poll']) {
      await laneOf(third, transport).getByText('too many windows open').waitFor();
    }
    await publish(third, 'from the third');
    await arrivalOf(laneOf(third, 'WebSocket'), 'from the third', 'live').waitFor();
    await first.close();
    for (const transport of TRANSPORTS.slice(1)) {
      await arrivalOf(laneOf(third, transport), 'from the third', 'missed').waitFor();
    }
  });

  test('waits for no share where the browser has no locks, or lets the page have none', async () => {
    for (const script of [
      "Object.defineProperty(navigator, 'locks', { value: undefined })",
      "if (navigator.locks) navigator.locks.request = async () => { throw new DOMException('no', 'SecurityError'); }",
    ]) {
      const context = await frontPage.openContext();
      await context.addInitScript(script);
      await frontPage.openChannel(context);
    }
  });

  test('rests while nobody looks: what only a WebSocket need not share is given back', async () => {
    const page = await frontPage.openChannel(await frontPage.openContext());
    const setHidden = (isHidden: boolean): Promise<unknown> =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));`);
    await setHidden(true);
    await laneOf(page, 'Long poll').locator('.state-text', { hasText: 'rests while' }).waitFor();
    await laneOf(page, 'Server-Sent Events').locator('.state-text', { hasText: 'rests while' }).waitFor();
    await post('while it rests');
    await arrivalOf(laneOf(page, 'WebSocket'), 'while it rests', 'live').waitFor();
    await setHidden(false);
    for (const transport of ['Server-Sent Events', 'Long poll']) {
      await arrivalOf(laneOf(page, transport), 'while it rests', 'missed').waitFor();
    }
  });
});

describe('the page, when the server goes', () => {
  test('says so on each transport; back with its data, nothing is lost, and all is live again', async (t) => {
    const data = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-page-'));
    t.after(() => rm(data, { recursive: true, force: true }));
    const { program, port: ownPort } = await serve('--data', data);
    const at = `http://localhost:${ownPort}`;
    const page = await frontPage.openChannel(await frontPage.openContext(), at);
    await publish(page, 'before the end');
    for (const transport of TRANSPORTS) await arrivalOf(laneOf(page, transport), 'before the end', 'live').waitFor();
    await program.stop('SIGINT');
    for (const transport of TRANSPORTS) await laneOf(page, transport).and(page.locator('[data-state=lost]')).waitFor();
    await page.locator('#live-state[data-state=failed]').waitFor();
    await laneOf(page, 'Long poll').getByText('no answer', { exact: true }).waitFor();
    await page.locator('#publish-button').click();
    await page.locator('#publish-hint', { hasText: 'The server does not answer' }).waitFor();
    const again = await serve('--port', ownPort, '--data', data);
    await post('while nobody was back', at);
    await page.locator('.lane[data-state=open]').nth(2).waitFor();
    await publish(page, 'after the restart');
    for (const transport of TRANSPORTS) {
      const lane = laneOf(page, transport);
      await arrivalOf(lane, 'after the restart', 'live').waitFor();
      assert.deepEqual(await textsOf(lane), ['before the end', 'while nobody was back', 'after the restart']);
      assert.equal(await lane.locator('.chip.fault').isVisible(), false);
    }
    await page.close();
    await again.program.stop();
    // Meanwhile the browser has said what it could not reach.
    complaints.length = 0;
  });
});

describe('the picture of the README', () => {
  test('is what the page shows', async () => {
    const page = await frontPage.openChannel(
      await frontPage.openContext({ reducedMotion: 'reduce', viewport: { width: 1200, height: 1180 } }),
    );
    // Others come and go meanwhile, to be seen in the line of the last minute.
    const others: Client[] = [];
    for (const step of [1, 1, 0, 1, -1, 1, 1, 0, -1]) {
      if (step > 0) others.push(await Client.open({ after }, `ws://localhost:${port}/live`));
      if (step < 0) others.shift()!.socket.close();
      await page.waitForTimeout(README_ASSETS === undefined ? 20 : 6000);
    }
    await publish(page, 'hello');
    await publish(page, 'hello again');
    await publish(page, 'Grüße aus Köln — ¡hola!');
    await cutOff(page, 'Server-Sent Events');
    await page.getByRole('radio', { name: 'JSON' }).check();
    for (const text of ['{"type":"cursor","x":412,"y":88}', '{"type":"cursor","x":416,"y":91}'])
      await publish(page, text);
    await page.getByRole('radio', { name: 'Text' }).check();
    await page.waitForTimeout(README_ASSETS === undefined ? 20 : 2000);
    await reconnect(page, 'Server-Sent Events');
    await laneOf(page, 'Server-Sent Events').locator('.chip', { hasText: 'recovered 2 missed' }).waitFor();
    await publish(page, 'and on it goes');
    for (const transport of TRANSPORTS) {
      await arrivalOf(laneOf(page, transport), 'and on it goes').locator('b').waitFor();
    }
    await page.locator('h1').first().click();
    await page.screenshot({ path: path.join(screenshots, 'front-page.png') });
    for (const other of others) other.socket.close();
    for (const other of others) await other.closed;
  });
});
