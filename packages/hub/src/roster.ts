import { WireError } from '@pulsebeacon/wire';
import type { HubClient } from './client.ts';
import type { ClientTap } from './client-tap.ts';
import type { Tally } from './counts.ts';
import { drainClients } from './drain.ts';
import type { Hub } from './hub.ts';

/** How often slow clients are looked at. */
const LOOK_MS = 1000;

/** Who is connected to a hub. */
export class Roster {
  readonly connected: Set<HubClient> = new Set();
  /** What the server itself follows. */
  readonly locals: Set<HubClient> = new Set();
  /** For {@link HubClient}: those that are slow. */
  readonly congested: Set<HubClient> = new Set();
  isDraining = false;
  private readonly hub: Pick<Hub, 'hooks' | 'limits'>;
  private readonly tally: Tally;
  /** By id of the client. */
  private readonly taps = new Map<string, ClientTap>();
  private timer: NodeJS.Timeout | undefined;
  private whenEmpty: (() => void)[] = [];

  constructor(hub: Pick<Hub, 'hooks' | 'limits'>, tally: Tally) {
    this.hub = hub;
    this.tally = tally;
  }

  /** @throws {WireError} where nobody else may connect now */
  requireRoom(): void {
    if (this.isDraining) throw new WireError('PB_HUB_DRAINING');
    const { maxClients } = this.hub.limits;
    if (this.connected.size >= maxClients) {
      throw new WireError(
        'PB_HUB_FULL',
        `${maxClients} clients are connected, as many as there may be: try again later`,
      );
    }
  }

  add(client: HubClient): void {
    const { connected, tally, taps } = this;
    if (taps.size > 0) client.tap = taps.get(client.id);
    connected.add(client);
    tally.accepted++;
    tally.byTransport[client.outlet.transport]++;
    if (connected.size > tally.peak) tally.peak = connected.size;
    this.timer ??= setInterval(() => this.lookAtCongested(), LOOK_MS).unref();
    this.hub.hooks.opened?.(client);
  }

  /** For {@link HubClient}. */
  onClosed(client: HubClient, reason: string): void {
    if (this.locals.delete(client) || !this.connected.delete(client)) return;
    this.tally.byTransport[client.outlet.transport]--;
    this.tally.close(reason);
    this.hub.hooks.closed?.(client);
    if (this.connected.size > 0) return;
    this.stop();
    const waiting = this.whenEmpty;
    this.whenEmpty = [];
    for (const resolve of waiting) resolve();
  }

  /** As {@link Hub.tap}. */
  tap(id: string, tap: ClientTap): () => void {
    this.taps.set(id, tap);
    const setTaps = (value: ClientTap | undefined): void => {
      for (const client of this.connected) if (client.id === id) client.tap = value;
    };
    setTaps(tap);
    return () => {
      if (this.taps.get(id) !== tap) return;
      this.taps.delete(id);
      setTaps(undefined);
    };
  }

  /** As {@link Hub.drain}. */
  async drain(overMs: number): Promise<void> {
    this.isDraining = true;
    await drainClients(this.connected, overMs, this.emptied());
    for (const client of this.locals) client.close(new WireError('PB_HUB_DRAINING'));
  }

  /** Looks after nobody any more. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private emptied(): Promise<void> {
    return new Promise((resolve) => {
      if (this.connected.size === 0) resolve();
      else this.whenEmpty.push(resolve);
    });
  }

  private lookAtCongested(): void {
    const now = performance.now();
    for (const client of this.congested) client.checkProgress(now);
  }
}
