// What tests do in a page, or a worker, with the client; and what they see of it.
import { Beacon } from './client.js';

/** Short times, so that tests need no long ones. What a stall is noticed by is as it is by default. */
const FAST = { openTimeout: 2000, upgradeAfter: 300, backoffBase: 20, backoffCap: 200 };

const seen = {};
const waiting = [];
let beacon;

/** As if nothing had been so far. */
function forget() {
  for (const name of Object.keys(seen)) delete seen[name];
  Object.assign(seen, { data: [], gaps: 0, statuses: [] });
}

function note() {
  for (const wake of waiting.splice(0)) wake();
}

/** Follows the channel `news` by a new beacon; resolves once it does. */
async function start(options = {}, url = location.origin) {
  beacon?.close();
  forget();
  beacon = new Beacon(url, { ...FAST, rememberFor: 0, ...options });
  beacon.on('statechange', (status) => {
    const { state, transport, reason, retryIn, error } = status;
    const { code, status: answered, challenge } = error ?? {};
    const told = { state, transport, reason, retryIn, at: performance.now(), code, answered, challenge };
    Object.assign(seen, told);
    seen.statuses.push(told);
    note();
  });
  const channel = beacon.channel('news');
  channel.on('notRecovered', () => {
    seen.gaps++;
    note();
  });
  await channel.subscribe(({ data }) => {
    seen.data.push(data);
    note();
  }).ready;
}

/** Resolves once it is so, with what was seen. */
async function until(isReached) {
  while (!isReached(seen)) await new Promise((resolve) => waiting.push(resolve));
  return seen;
}

const publish = (data) => beacon.channel('news').publish(data);

Object.assign(globalThis, { seen, start, forget, until, publish });
