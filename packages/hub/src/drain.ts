import { setTimeout as wait } from 'node:timers/promises';
import { WireError } from '@pulsebeacon/wire';
import type { HubClient } from './client.ts';

const STEP_MS = 100;
/** As many go at once as a server takes back in a step at 500 handshakes a second. */
const LEAST_PER_STEP = 50;
/** They come back between half of this and all of it, so that another node, or the next process, is there. */
const COME_BACK_MS = 2000;

/** Sends clients away, some in each step. Resolves once the last one has been told. */
export async function drainClients(clients: ReadonlySet<HubClient>, overMs: number): Promise<void> {
  const all = [...clients];
  const perStep = overMs === 0 ? all.length : Math.max(LEAST_PER_STEP, Math.ceil((all.length * STEP_MS) / overMs));
  for (let at = 0; at < all.length; at += perStep) {
    if (at > 0) await wait(STEP_MS);
    for (const client of all.slice(at, at + perStep)) {
      client.close(new WireError('PB_HUB_DRAINING'), Math.round(COME_BACK_MS * (0.5 + Math.random() / 2)));
    }
  }
}
