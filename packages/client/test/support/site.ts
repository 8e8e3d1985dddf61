import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Beacon, type BeaconOptions, type BeaconState, type BeaconStatus, type Channel } from '@pulsebeacon/client';
import { FaultProxy, type Faults } from '@pulsebeacon/contracts/fault-proxy';
import { Hub, type HubOptions } from '@pulsebeacon/hub';
import { WebSocket } from '@pulsebeacon/websocket';

/** What ends when a test does. */
export type Scope = Pick<TestContext, 'after'>;

/** A hub on a server of its own, behind a proxy that can break everything. */
export interface Site {
  readonly hub: Hub;
  readonly server: Server;
  /** Of the server itself. */
  readonly port: number;
  readonly proxy: FaultProxy;
  /** Through the proxy. */
  readonly url: string;
  connect(options?: BeaconOptions): Beacon;
  /** Every connection of the server ends at once, as if it had died, and it is there again: with its data. */
  restart(): void;
}

/** Short times, so that tests need no long ones. */
export const FAST: BeaconOptions = {
  openTimeout: 800,
  upgradeAfter: 300,
  backoffBase: 20,
  backoffCap: 200,
  pollWait: 1000,
};

export async function serve(t: Scope, options: HubOptions = {}, faults: Faults = {}): Promise<Site> {
  const hub = new Hub({
    namespaces: [{ match: '*', publish: 'anyone', presence: true, joinLeave: true }],
    ...options,
    limits: { heartbeat: 200, ...options.limits },
  });
  const server = createServer((_, response) => response.writeHead(404).end());
  hub.attach(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await FaultProxy.start(port, faults);
  const beacons = new Set<Beacon>();
  t.after(async () => {
    for (const beacon of beacons) beacon.close();
    server.closeAllConnections();
    await Promise.all([hub.close(), proxy.close()]);
    server.close();
  });
  const url = `http://127.0.0.1:${proxy.port}`;
  const connect = (own: BeaconOptions = {}): Beacon => {
    // Nothing is remembered from one test to the next.
    const beacon = new Beacon(url, { WebSocket, ...FAST, rememberFor: 0, ...own });
    beacons.add(beacon);
    return beacon;
  };
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const restart = (): void => sockets.forEach((socket) => socket.destroy());
  return { hub, server, port, proxy, url, connect, restart };
}

/** Resolves once the state is this one, and the status is as wanted. */
export function until(
  beacon: Beacon,
  state: BeaconState,
  isWanted: (status: BeaconStatus) => boolean = () => true,
): Promise<BeaconStatus> {
  return new Promise((resolve) => {
    const look = (status: BeaconStatus): void => {
      if (status.state !== state || !isWanted(status)) return;
      stop();
      resolve(status);
    };
    const stop = beacon.on('statechange', look);
    look(beacon.status);
  });
}

/** What a channel has brought, and a way to wait for more. */
export class Log<T = unknown> {
  readonly data: T[] = [];
  readonly positions: string[] = [];
  readonly notRecovered: unknown[] = [];
  readonly ready: Promise<void>;
  private wake = (): void => {};

  constructor(channel: Channel<T>, since?: string) {
    channel.on('notRecovered', (event) => {
      this.notRecovered.push(event);
      this.wake();
    });
    this.ready = channel.subscribe({
      ...(since === undefined ? {} : { since }),
      onPublication: ({ data, position }) => {
        this.data.push(data);
        this.positions.push(position);
        this.wake();
      },
    }).ready;
  }

  async until(isReached: (log: Log<T>) => boolean): Promise<void> {
    while (!isReached(this)) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  reaches(count: number): Promise<void> {
    return this.until(({ data }) => data.length >= count);
  }
}
