// The program and a browser, for the tests of its page. Each test file has one of both to itself.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, afterEach } from 'node:test';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { CHROMIUM } from './browsers.ts';
import { Program } from './program.ts';
import { inClone } from './root.ts';

/** Where the screenshots of the README are to go; undefined where nobody asks for them. */
export const README_ASSETS: string | undefined = process.env['PULSEBEACON_SCREENSHOTS'];

/** Starts the program: on a free port, and with nothing kept, unless options say otherwise. */
export async function serve(...options: readonly string[]): Promise<{ program: Program; port: string }> {
  const where = options.includes('--port') ? [] : ['--port', '0'];
  const store = options.includes('--data') ? [] : ['--memory'];
  const args = ['serve', ...where, ...store, '--log-format', 'json', ...options];
  const program = new Program({ after }, process.execPath, [inClone('packages/gateway/bin/pulsebeacon.js'), ...args]);
  const [, port] = await program.printed(/"event":"ready".*?"port":(\d+)/);
  return { program, port: port! };
}

/** The program and a browser; after each test, whatever either complained of fails it. */
export class FrontPage {
  readonly program: Program;
  readonly port: string;
  readonly base: string;
  /** What the browser complains of: errors, refused resources, violations of the policy, remarks on the console. */
  readonly complaints: string[] = [];
  /** Where screenshots go. */
  readonly screenshots: string = inClone(README_ASSETS ?? 'build/screenshots');
  private readonly browser: Browser;
  private readonly contexts: BrowserContext[] = [];

  private constructor(program: Program, port: string, browser: Browser) {
    this.program = program;
    this.port = port;
    this.base = `http://localhost:${port}`;
    this.browser = browser;
  }

  static async start(...options: readonly string[]): Promise<FrontPage> {
    const { program, port } = await serve(...options);
    const browser = await CHROMIUM.launch();
    after(() => browser.close());
    const frontPage = new FrontPage(program, port, browser);
    await mkdir(frontPage.screenshots, { recursive: true });
    afterEach(() => frontPage.check());
    return frontPage;
  }

  async openContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const { complaints } = this;
    const context = await this.browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    this.contexts.push(context);
    context.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    context.on('weberror', (error) => complaints.push(String(error.error())));
    context.on('requestfailed', (request) => {
      const error = request.failure()?.errorText;
      // Streams, polls and questions that the page, or its end, cuts off.
      if (error === 'net::ERR_ABORTED' && /\/(?:channels|dashboard|demo|trace)\//.test(request.url())) return;
      complaints.push(`${request.url()}: ${error}`);
    });
    context.on('response', (response) => {
      if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`);
    });
    return context;
  }

  /** Opens the view of the channel, and waits until all its transports are live. */
  async openChannel(context: BrowserContext, base = this.base): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${base}/`);
    await page.locator('.lane[data-state=open]').nth(2).waitFor();
    return page;
  }

  /** Opens the view of the echo, and waits until it is connected. */
  async openEcho(context: BrowserContext, base = this.base): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${base}/#echo`);
    await page.locator('#state[data-state=open]').waitFor();
    return page;
  }

  private async check(): Promise<void> {
    for (const context of this.contexts.splice(0)) await context.close();
    if (this.program.hasExited) assert.fail(`the program has ended: ${JSON.stringify(await this.program.exit)}`);
    assert.deepEqual(this.complaints.splice(0), []);
  }
}

/** What has moved by itself (web.dev: cumulative layout shift). The observer tells what was before it, and then nothing. */
export const LAYOUT_SHIFTS = `new Promise((resolve) => {
  const shifts = [];
  const note = (list) => {
    for (const { value, sources } of list.getEntries()) {
      const name = (node) => node && (node.id || node.className || name(node.parentNode) + ' > ' + node.nodeName);
      const moved = sources.map(({ node, previousRect: from, currentRect: to }) =>
        name(node) + ' ' + [from, to].map(({ x, y, width, height }) => [x, y, width, height].join(' ')).join(' to '));
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

/** The contrast of each kind of text with what is behind it, by the formula of WCAG 2.2; of those that are there. */
export async function contrastsOf(page: Page, selectors: readonly string[]): Promise<Record<string, number>> {
  return (await page.evaluate(`(${CONTRASTS})(${JSON.stringify(selectors)})`)) as Record<string, number>;
}

const CONTRASTS = `(selectors) => {
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
  // What is half transparent is mixed with what is behind it.
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 255) break;
    }
    return layers.reduceRight((under, [r, g, b, a]) => [r, g, b].map((c, at) => (c * a + under[at] * (255 - a)) / 255), [255, 255, 255]);
  };
  const found = {};
  for (const selector of selectors) {
    const element = document.querySelector(selector);
    if (!element) continue;
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(behind(element))].sort((x, y) => y - x);
    found[selector] = (a + 0.05) / (b + 0.05);
  }
  return found;
}`;
