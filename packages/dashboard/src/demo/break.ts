// /demo/break: wires its parts together.
import { Beacon, BeaconError, type BeaconStatus } from '@pulsebeacon/client';
import { byId } from '../shared/dom.js';
import { count, size } from '../shared/format.js';
import { TRANSPORT_NAMES } from '../shared/transports.js';
import { Counter } from './break/counter.ts';
import { Events } from './break/events.ts';
import { Timeline } from './break/timeline.ts';
import { FAULT_NAMES, type FaultName, isFaultName, SHORT_NAMES, type Status, Visit } from './break/visit.ts';
import { Key, wantsKey } from './key.ts';
import { showLink } from './link.ts';
import { readObject } from './visitor.ts';

const ASK_EVERY_MS = 500;
/** The server ends a visit after half an hour; less what the two clocks may differ by. */
const LASTS_MS = 29 * 60_000;
/** For those who watch: a client that nobody watches takes its time. */
const PACE = { openTimeout: 3000, upgradeAfter: 5000, backoffCap: 2000, rememberFor: 0 };

const events = new Events();
const timeline = new Timeline(byId('tracks', HTMLElement));
const key = new Key(() => void begin());
const faults = byId('faults', HTMLElement);
let visit: Visit | undefined;
let beacon: Beacon | undefined;
let counter = new Counter();
let published = 0;
let endLink = (): void => {};

async function begin(): Promise<void> {
  leave();
  key.ask(false);
  enable(false);
  try {
    visit = await Visit.begin(key.authorization);
  } catch (error) {
    if (wantsKey(error)) key.ask(true);
    return say(error instanceof Error ? error.message : String(error));
  }
  counter = new Counter();
  published = 0;
  connect(visit);
  select('none');
  enable(true);
}

function connect({ url, channel, run, since }: Visit): void {
  const own = new Beacon(url, { ...PACE, ...key.options });
  beacon = own;
  endLink = showLink(own);
  own.on('statechange', onState);
  const numbers = own.channel(channel);
  numbers.on('notRecovered', () => events.add('client', 'what was missed is too old to be had again'));
  numbers.subscribe({
    since,
    onPublication({ data }) {
      const { run: of, n } = readObject(data);
      if (of !== run || typeof n !== 'number') return;
      counter.add(n);
      timeline.arrived();
      showCounts();
    },
  });
}

function onState({ state, reason, transport }: BeaconStatus): void {
  const isOnline = state === 'online';
  timeline.setTransport(isOnline ? transport : undefined);
  events.add('client', isOnline ? `online by ${TRANSPORT_NAMES[transport!]}` : `${state}: ${reason}`);
}

async function watch(): Promise<void> {
  const asked = visit;
  if (asked === undefined) return;
  try {
    const status = await asked.status();
    if (asked === visit) show(status);
  } catch (error) {
    if (asked !== visit || !(error instanceof BeaconError) || error.code !== 'PB_DEMO_UNKNOWN') return;
    await over(asked);
  }
}

/** The server knows the visit no more. One that was cut short is begun anew; one that has lasted may be of a page that nobody sees. */
async function over({ begun }: Visit): Promise<void> {
  const wasCutShort = performance.now() - begun < LASTS_MS;
  visit = undefined;
  leave();
  enable(false);
  if (!wasCutShort) return say('this visit is over: it lasts half an hour. Count anew');
  events.add('stage', 'the server knows this visit no more, as after a restart: counting anew');
  await begin();
}

function show(status: Status): void {
  for (const { text, time } of status.events) events.add('stage', text, time);
  published = status.published;
  const { websockets, streams, heldBytes } = status;
  const open = [websockets > 0 ? `${websockets} WebSocket` : '', streams > 0 ? `${streams} stream` : ''].filter(
    Boolean,
  );
  const held = heldBytes > 0 ? `, ${size(heldBytes)} held back` : '';
  byId('stage-now', HTMLElement).textContent = `on the stage: ${open.join(', ') || 'nothing open'}${held}`;
  showCounts();
}

async function switchTo(fault: FaultName): Promise<void> {
  if (visit === undefined) return;
  events.add('you', FAULT_NAMES[fault]);
  timeline.setFault(fault === 'none' ? undefined : fault, SHORT_NAMES[fault]);
  try {
    show(await visit.set(fault));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

function showCounts(): void {
  const { received, lost, doubled, disordered } = counter;
  const all = Math.max(published, received + lost);
  const figures = { published: all, received, behind: all - received - lost, lost, doubled, disordered };
  for (const [name, value] of Object.entries(figures)) byId(name, HTMLElement).textContent = count(value);
  for (const name of ['lost', 'doubled', 'disordered'] as const)
    byId(name, HTMLElement).toggleAttribute('data-bad', figures[name] > 0);
  byId('behind', HTMLElement).toggleAttribute('data-some', figures.behind > 2);
}

function leave(): void {
  endLink();
  endLink = () => {};
  beacon?.close();
  visit?.end();
  beacon = undefined;
  visit = undefined;
  timeline.setTransport(undefined);
  timeline.setFault(undefined, '');
}

function enable(isEnabled: boolean): void {
  for (const choice of faults.querySelectorAll('input')) choice.disabled = !isEnabled;
}

function select(fault: FaultName): void {
  for (const choice of faults.querySelectorAll('input')) choice.checked = choice.value === fault;
}

function say(text: string): void {
  byId('link', HTMLElement).dataset['state'] = 'failed';
  byId('link-state', HTMLElement).textContent = 'offline';
  byId('link-reason', HTMLElement).textContent = text;
  events.add('stage', text);
}

faults.addEventListener('change', ({ target }) => {
  if (target instanceof HTMLInputElement && isFaultName(target.value)) void switchTo(target.value);
});
byId('anew', HTMLButtonElement).addEventListener('click', () => void begin());
addEventListener('pagehide', leave);
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) void begin();
});
setInterval(() => void watch(), ASK_EVERY_MS);
void begin();
