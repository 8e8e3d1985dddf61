// requires: chromium
// One room, four pages: React, Vue and Svelte, as Vite builds them, and one without a build. React's is built for
// development, where StrictMode runs each effect twice.
import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { CHROMIUM } from '../support/browsers.ts';
import { temporaryFolder } from '../support/cleanup.ts';
import { serve } from '../support/front-page.ts';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

const EXAMPLE = inClone('examples/live-chat');
const BUILT = ['react', 'vue', 'svelte'] as const;
const NAMES = [...BUILT, 'script-tag'] as const;
const CHANNEL = 'chat:kitchen';
/** Which plugin took long on a busy machine is no fault of a page. */
const TIMINGS = /\S*\[PLUGIN_TIMINGS\][^]*#bundlertimings for more details\.\s*/;

async function build(name: string, folder: string): Promise<void> {
  const mode = name === 'react' ? 'development' : 'production';
  const options = [
    '--mode',
    mode,
    '--base',
    './',
    '--outDir',
    path.join(folder, name),
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ];
  const vite = new Program(
    { after },
    process.execPath,
    [inClone('node_modules/vite/bin/vite.js'), 'build', ...options],
    {
      cwd: path.join(EXAMPLE, name),
      env: { ...process.env, NODE_ENV: mode },
    },
  );
  const { code, stdout, stderr } = await vite.exit;
  assert.deepEqual([code, stderr.replace(TIMINGS, '')], [0, ''], stdout);
}

const folder = await temporaryFolder({ after });
const [{ port }, browser] = await Promise.all([
  // Nobody has made a key, so this machine may publish.
  serve('--config', path.join(EXAMPLE, 'pulsebeacon.yaml'), '--static', folder),
  CHROMIUM.launch(),
  ...BUILT.map((name) => build(name, folder)),
  cp(path.join(EXAMPLE, 'script-tag'), path.join(folder, 'script-tag'), { recursive: true }),
]);
after(() => browser.close());
const base = `http://127.0.0.1:${port}`;

describe('four pages in one room', () => {
  const pages = new Map<string, Page>();
  const complaints: string[] = [];

  const page = (name: string): Page => pages.get(name)!;
  const shows = (name: string, present: number): Promise<void> =>
    page(name)
      .locator('output', { hasText: new RegExp(`^${present}$`) })
      .waitFor({ timeout: 10_000 });
  const everybodyShows = (present: number): Promise<unknown> =>
    Promise.all([...pages.keys()].map((name) => shows(name, present)));
  const lines = (name: string): Promise<string[]> => page(name).locator('li').allInnerTexts();
  const subscriptions = async (): Promise<number> => {
    const text = await (await fetch(`${base}/metrics`)).text();
    return Number(/^pulsebeacon_subscriptions (\d+)$/m.exec(text)?.[1]);
  };

  test('each that comes is counted once, by all', async () => {
    for (const name of NAMES) {
      const opened = await browser.newPage();
      opened.on('pageerror', (error) => complaints.push(`${name}: ${error.message}`));
      opened.on('console', (message) => {
        if (message.type() !== 'info') complaints.push(`${name}: ${message.text()}`);
      });
      await opened.goto(`${base}/${name}/`);
      pages.set(name, opened);
      await everybodyShows(pages.size);
    }
    assert.equal(await subscriptions(), NAMES.length);
  });

  test('what each says, all have once, in order', async () => {
    const said = NAMES.map((name) => `<b>${name}</b> says hello`);
    for (const [at, name] of NAMES.entries()) {
      await page(name).fill('input', said[at]!);
      await page(name).click('text=Send');
      for (const other of NAMES) await page(other).locator('li', { hasText: said[at]! }).waitFor({ timeout: 10_000 });
      assert.equal(await page(name).inputValue('input'), '');
    }
    for (const name of NAMES) assert.deepEqual(await lines(name), said, name);
  });

  for (const name of BUILT) {
    test(`${name}: a component that goes away ends what it followed; one that comes back has everything, once`, async () => {
      const others = NAMES.filter((other) => other !== name);
      const had = await lines('script-tag');
      for (let times = 0; times < 3; times++) {
        await page(name).click('text=Leave');
        await Promise.all(others.map((other) => shows(other, NAMES.length - 1)));
        assert.equal(await subscriptions(), NAMES.length - 1);
        assert.equal(await page(name).locator('ul').count(), 0);
        await page(name).click('text=Enter');
        await everybodyShows(NAMES.length);
      }
      const answer = await fetch(`${base}/channels/${CHANNEL}`, {
        method: 'POST',
        body: JSON.stringify({ text: `${name} is back` }),
        headers: { 'Content-Type': 'application/json' },
      });
      assert.equal(answer.status, 201);
      for (const each of NAMES) {
        await page(each)
          .locator('li', { hasText: `${name} is back` })
          .waitFor({ timeout: 10_000 });
        assert.deepEqual(await lines(each), [...had, `${name} is back`], each);
      }
    });
  }

  test('nothing was complained about', () => assert.deepEqual(complaints, []));
});

test('the guide shows the files as they are', async () => {
  const text = await readFile(inClone('docs/guide/frameworks.md'), 'utf8');
  const blocks = [...text.matchAll(/^\[`([^`]+)`\]\(([^)]+)\):?\n\n```\w+\n([^]*?)^```$/gm)];
  for (const [, name, link, code] of blocks) {
    const file = path.join(inClone('docs/guide'), link!);
    assert.equal(path.relative(EXAMPLE, file), name);
    assert.equal(code, await readFile(file, 'utf8'), name);
  }
  const shown = blocks.map(([, name]) => name);
  const wanted = [
    'script-tag/chat.js',
    'room.ts',
    'react/useChannel.ts',
    'vue/useChannel.ts',
    'svelte/channelStore.ts',
  ];
  for (const name of wanted) assert.ok(shown.includes(name), name);
});
