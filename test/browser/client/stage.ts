import type { FaultProxy, Faults } from '@pulsebeacon/contracts/fault-proxy';
import type { Browser, Page } from 'playwright-core';
import type { Scope } from '../../support/cleanup.ts';
import { ClientSite } from '../../support/client-site.ts';
import { ClientPage } from './client-page.ts';

/** A page of a site, behind a proxy that can break the way. */
export interface Opened {
  readonly site: ClientSite;
  readonly proxy: FaultProxy;
  readonly page: ClientPage;
}

/** One browser for all tests of a file. Each test has a site of its own, because they run side by side. */
export interface Stage {
  readonly browser: Browser;
  readonly name: 'Chromium' | 'Firefox';
  open(scope: Scope, faults?: Faults): Promise<Opened>;
  /** A tab, which another test has when this one is over: to open one takes long. */
  tab(scope: Scope): Promise<Page>;
}

export function stageOf(name: Stage['name'], launched: () => Browser): Stage {
  const free: Page[] = [];
  const tab = async (scope: Scope): Promise<Page> => {
    const page = free.pop() ?? (await (await launched().newContext()).newPage());
    scope.after(async () => {
      await page.goto('about:blank');
      free.push(page);
    });
    return page;
  };
  return {
    name,
    tab,
    get browser() {
      return launched();
    },
    async open(scope, faults = {}) {
      const site = await ClientSite.start(scope);
      const proxy = await site.through(scope, faults);
      return { site, proxy, page: await ClientPage.show(await tab(scope), proxy.port) };
    },
  };
}
