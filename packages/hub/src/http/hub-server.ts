import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HostServer, Traffic } from '@pulsebeacon/websocket';
import type { Hub } from '../hub.ts';
import { ChannelDoor } from '../transports/channel-door.ts';
import { ConnectDoor } from '../transports/connect-door.ts';
import { HubUsageError } from '../usage-error.ts';
import type { Door } from './door.ts';
import { HubRequest } from './request.ts';
import { RequestInterceptor, type RequestHandler } from './request-interceptor.ts';
import { sumOf } from './traffic.ts';

const BASE = /^\/(?:[\w.~!$&'()*+,;=:@-]+\/)*$/;

/** A hub under one path of one or several HTTP servers. */
export class HubServer {
  readonly base: string;
  private readonly hub: Hub;
  private readonly doors: readonly Door[];
  private readonly servers = new Set<HostServer>();
  private readonly handler: RequestHandler = (request, response) => this.handle(request, response);

  /** @param base as {@link readBase} gives it */
  constructor(hub: Hub, base: string) {
    this.base = base;
    this.hub = hub;
    this.doors = [new ChannelDoor(hub, base), new ConnectDoor(hub, base)];
  }

  /** @param takesRequests whether ordinary requests are taken, too, and not handshakes alone */
  attach(server: HostServer, takesRequests: boolean): void {
    if (this.servers.has(server)) return;
    const attached: Door[] = [];
    try {
      for (const door of this.doors) {
        door.attach(server);
        attached.push(door);
      }
    } catch (error) {
      for (const door of attached) door.detach(server);
      throw error;
    }
    this.servers.add(server);
    if (takesRequests) RequestInterceptor.of(server).add(this.handler);
  }

  detach(server: HostServer): void {
    if (!this.servers.delete(server)) return;
    RequestInterceptor.of(server).delete(this.handler);
    for (const door of this.doors) door.detach(server);
  }

  /** @returns false, having done nothing, where the path is of no door */
  handle(incoming: IncomingMessage, response: ServerResponse): boolean {
    const request = HubRequest.of(incoming, this.hub.proxies);
    if (request === undefined || !request.path.startsWith(this.base)) return false;
    for (const door of this.doors) if (door.handle(request, response)) return true;
    return false;
  }

  /** The messages of the WebSockets here. */
  traffic(): Traffic {
    return sumOf(this.doors.map((door) => door.traffic()));
  }

  async close(): Promise<void> {
    for (const server of this.servers) this.detach(server);
    await Promise.all(this.doors.map((door) => door.close()));
  }
}

/** With a slash at both ends. @throws {HubUsageError} `PB_HUB_OPTION` */
export function readBase(base: string): string {
  const whole = base.endsWith('/') ? base : `${base}/`;
  if (BASE.test(whole) && !/\/\.{1,2}\//.test(whole)) return whole;
  throw new HubUsageError('PB_HUB_OPTION', `base is ${JSON.stringify(base)}: pass a path such as / or /live`);
}
