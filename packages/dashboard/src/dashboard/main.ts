// The page at /dashboard: lets in, then shows what comes.
import { Beacon, type BeaconStatus } from '@pulsebeacon/client';
import { type Figures, FIGURES_CHANNEL, LIVE_BASE, type Now, NOW_CHANNEL } from 'pulsebeacon/dashboard';
import { byId, within } from '../shared/dom.js';
import { TRANSPORT_NAMES } from '../shared/transports.js';
import { ask, authorization, key, Refused } from './access.ts';
import { Glass } from './glass.ts';
import { ChannelTable, ConnectionTable } from './lists.ts';
import { Overview } from './overview.ts';
import { Plots } from './plots.ts';
import { Series } from './series.ts';

const RETRY_MS = 2000;
/** The key was revoked. */
const LOCKED_OUT: readonly string[] = ['PB_UNAUTHENTICATED', 'PB_FORBIDDEN'];

const range = byId('range', HTMLElement);
const board = byId('board', HTMLElement);
const signIn = byId('sign-in', HTMLElement);
const overview = new Overview();
const series = new Series();
const plots = new Plots(byId('plots', HTMLElement), series, shownSeconds());

range.addEventListener('change', () => plots.setRange(shownSeconds()));
byId('sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  key.keep(byId('key', HTMLInputElement).value.trim());
  void begin();
});
byId('sign-out', HTMLElement).addEventListener('click', leave);
void begin();

/** Comes in, or asks for a key. */
async function begin(): Promise<void> {
  try {
    const now = await ask<Now>('now');
    signIn.hidden = true;
    board.hidden = false;
    byId('sign-out', HTMLElement).hidden = key.text === undefined;
    overview.showNow(now);
    follow(now);
  } catch (error) {
    if (error instanceof Refused) return askForKey(error);
    showState('failed', 'no answer; trying again');
    setTimeout(() => void begin(), RETRY_MS);
  }
}

function askForKey({ hadKey, message }: Refused): void {
  key.forget();
  board.hidden = true;
  signIn.hidden = false;
  showState('closed', 'not signed in');
  const field = byId('key', HTMLInputElement);
  field.value = '';
  field.setAttribute('aria-invalid', String(hadKey));
  byId('sign-in-fault', HTMLElement).textContent = hadKey ? `The key was not taken: ${message}.` : '';
  field.focus();
}

function follow(first: Now): void {
  const bearer = authorization();
  const beacon = new Beacon(LIVE_BASE, bearer === undefined ? {} : { authorization: bearer });
  const glass = new Glass(beacon);
  const channels = new ChannelTable((name) => glass.showChannel(name));
  const connections = new ConnectionTable((id) => glass.showConnection(id), onFault);
  channels.show(first.channels);
  void connections.refresh();
  beacon.on('statechange', (status) => {
    showStatus(status);
    if (LOCKED_OUT.includes(status.error?.code ?? '')) leave();
  });
  beacon.channel<Figures>(FIGURES_CHANNEL).subscribe({
    since: 'all',
    onPublication({ data }) {
      series.add(data);
      overview.showFigures(data);
      plots.draw();
    },
  });
  beacon.channel<Now>(NOW_CHANNEL).subscribe({
    onPublication({ data }) {
      overview.showNow(data);
      channels.show(data.channels);
    },
  });
}

/** What is shown is not for whoever is not let in any more. */
function onFault(error: unknown): void {
  if (error instanceof Refused) leave();
}

/** Forgets the key, and all that was shown by it. */
function leave(): void {
  key.forget();
  location.reload();
}

function showStatus({ state, reason, transport }: BeaconStatus): void {
  board.toggleAttribute('data-stale', state !== 'online');
  if (state === 'online') showState('open', `live by ${TRANSPORT_NAMES[transport ?? ''] ?? 'HTTP'}`);
  else showState(state === 'offline' ? 'failed' : 'connecting', reason);
}

function showState(state: string, text: string): void {
  byId('live-state', HTMLElement).dataset['state'] = state;
  byId('live-text', HTMLElement).textContent = text;
}

function shownSeconds(): number {
  return Number(within(range, 'input:checked', HTMLInputElement).value);
}
