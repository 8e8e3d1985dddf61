import { type Browser, chromium, firefox } from 'playwright-core';
import { found } from './environment.ts';

/** A browser that tests run in. */
export interface BrowserKind {
  readonly name: 'Chromium' | 'Firefox';
  launch(): Promise<Browser>;
}

/** A loaded machine takes its time for a browser. */
const LAUNCH_MS = 120_000;

/** What a browser does by itself is neither wanted nor measured. */
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const CHROMIUM: BrowserKind = {
  name: 'Chromium',
  launch: () =>
    chromium.launch({
      executablePath: found('PULSEBEACON_CHROMIUM'),
      timeout: LAUNCH_MS,
      args: FLAGS,
    }),
};

/** Debian's, by WebDriver BiDi: playwright-core drives only a build of its own without this channel. */
export const FIREFOX: BrowserKind = {
  name: 'Firefox',
  launch: () =>
    firefox.launch({ channel: 'moz-firefox', executablePath: found('PULSEBEACON_FIREFOX'), timeout: LAUNCH_MS }),
};
