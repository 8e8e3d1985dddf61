import assert from 'node:assert/strict';
import type { BeaconOptions } from '@pulsebeacon/client';
import type { Page } from 'playwright-core';
import type { Scope } from '../../support/cleanup.ts';
import type { ClientSite } from '../../support/client-site.ts';

/** A change of the status, as the page was told of it. */
export interface Told {
  readonly state: string;
  readonly transport: string | undefined;
  readonly reason: string;
  readonly retryIn: number | undefined;
  /** Milliseconds of the page. */
  readonly at: number;
  /** Of the error with which it gave up, and the HTTP status and challenge in that. */
  readonly code?: string;
  readonly answered?: number;
  readonly challenge?: string;
}

/** What a page has seen of the channel `news`, and of its connection. */
export interface Seen extends Told {
  readonly data: readonly unknown[];
  readonly gaps: number;
  readonly statuses: readonly Told[];
}

/** A page that follows the channel `news` (pages/harness.js). */
export class ClientPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** @param port of the site, or of a proxy in front of it */
  static async show(page: Page, port: number): Promise<ClientPage> {
    await page.goto(`http://127.0.0.1:${port}/`);
    return new ClientPage(page);
  }

  /** Resolves once the channel is followed. @param url of another site than that of the page */
  async start(options: BeaconOptions = {}, url?: string): Promise<void> {
    await this.page.evaluate(`start(${JSON.stringify(options)}, ${JSON.stringify(url)})`);
  }

  /** The same where it will not be followed, or not soon. */
  async begin(options: BeaconOptions = {}, url?: string): Promise<void> {
    await this.page.evaluate(`void start(${JSON.stringify(options)}, ${JSON.stringify(url)}).catch(() => {})`);
  }

  /** Resolves once it is so. @param condition about `seen`, in JavaScript */
  async until(condition: string): Promise<Seen> {
    return (await this.page.evaluate(`until((seen) => ${condition})`)) as Seen;
  }

  async online(transport: string): Promise<void> {
    await this.until(`seen.state === 'online' && seen.transport === '${transport}'`);
  }

  /** What was seen so far is seen no more. */
  async forget(): Promise<void> {
    await this.page.evaluate('forget()');
  }

  async seen(): Promise<Seen> {
    return (await this.page.evaluate('seen')) as Seen;
  }

  async publish(data: unknown): Promise<void> {
    await this.page.evaluate(`publish(${JSON.stringify(data)}).then(() => {})`);
  }

  /** So many more than there are now. */
  async more(count: number): Promise<void> {
    const { data } = await this.seen();
    await this.until(`seen.data.length >= ${data.length + count}`);
  }
}

/** Publishes numbers on the server, all the time. */
export class Ticker {
  private sent = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(scope: Scope, site: ClientSite) {
    this.timer = setInterval(() => void site.hub.channel<number>('news').publish(this.next()), 20);
    scope.after(() => this.stop());
  }

  /** The number that is published next. */
  next(): number {
    return this.sent++;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Everything that was published has come: each once, in order. */
  async settle(page: ClientPage): Promise<void> {
    this.stop();
    const { data, gaps } = await page.until(`seen.data.length >= ${this.sent}`);
    assert.deepEqual(
      data,
      Array.from({ length: this.sent }, (_, at) => at),
    );
    assert.equal(gaps, 0);
  }
}
