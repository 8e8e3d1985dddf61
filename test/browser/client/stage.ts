import type { FaultProxy, Faults } from '@pulsebeacon/contracts/fault-proxy';
import type { HubOptions } from '@pulsebeacon/hub';
import type { Browser } from 'playwright-core';
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
  open(scope: Scope, faults?: Faults, limits?: HubOptions['limits']): Promise<Opened>;
}

export function stageOf(name: Stage['name'], launched: () => Browser): Stage {
  return {
    name,
    get browser() {
      return launched();
    },
    async open(scope, faults = {}, limits = {}) {
      const site = await ClientSite.start(scope, { limits });
      const proxy = await site.through(scope, faults);
      return { site, proxy, page: await ClientPage.open(scope, launched(), proxy.port) };
    },
  };
}
