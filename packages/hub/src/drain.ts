import { setTimeout as wait } from 'node:timers/promises';
import { WireError } from '@pulsebeacon/wire';
import type { HubClient } from './client.ts';

const STEP_MS = 100;
/** As many go at once as a server takes back in a step at 500 handshakes a second. */
const LEAST_PER_STEP = 50;
/** They come back between half of this and all of it, so that another node, or the next process, is there. */
const COME_BACK_MS = 2000;
/** Transports cut off a client that does not go within 5 seconds. */
const MOST_LINGER_MS = 6000;

/**
 * Sends clients away, some in each step.
 * @param gone resolves once nobody is connected
 * @returns once that is so, or 6 seconds after the last one has been told
 */
export async function drainClients(
  clients: ReadonlySet<HubClient>,
  overMs: number,
  gone: Promise<void>,
): Promise<void> {
  const timers = new AbortController();
  const pause = (ms: number): Promise<void> => Promise.race([gone, wait(ms, undefined, { signal: timers.signal })]);
  const all = [...clients];
  const perStep = overMs === 0 ? all.length : Math.max(LEAST_PER_STEP, Math.ceil((all.length * STEP_MS) / overMs));
  for (let at = 0; at < all.length; at += perStep) {
    if (at > 0) await pause(STEP_MS);
    for (const client of all.slice(at, at + perStep)) {
      client.close(new WireError('PB_HUB_DRAINING'), Math.round(COME_BACK_MS * (0.5 + Math.random() / 2)));
    }
  }
  await pause(MOST_LINGER_MS);
  timers.abort();
}
