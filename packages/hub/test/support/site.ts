import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Hub, type HubHooks, type HubOptions } from '@pulsebeacon/hub';
import { type ClientConnection, connect, type ConnectOptions } from '@pulsebeacon/websocket';
import type { WireError } from '@pulsebeacon/wire';

/** Whoever can say that it is over: the context of a test. */
export interface Scope {
  after(task: () => unknown): unknown;
}

export interface SiteOptions extends HubOptions {
  readonly base?: string;
  readonly app?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Everybody may do everything. */
export const OPEN: HubOptions = { namespaces: [{ match: '*', publish: 'anyone' }] };

/** A hub on an HTTP server of its own, and what happens there. */
export class Site {
  readonly hub: Hub;
  readonly server: Server;
  readonly refused: WireError[] = [];
  readonly failures: unknown[] = [];
  private waiting: (() => void)[] = [];

  private constructor(hub: Hub, server: Server) {
    this.hub = hub;
    this.server = server;
  }

  static async start(scope: Scope, { base, app, ...options }: SiteOptions = OPEN): Promise<Site> {
    const server = createServer(app ?? ((_request, response) => void response.writeHead(404).end('the app')));
    const hooks: HubHooks = {
      ...options.hooks,
      opened: () => site.wake(),
      closed: () => site.wake(),
      delivered: () => site.wake(),
      refused: (error, origin) => {
        site.refused.push(error);
        options.hooks?.refused?.(error, origin);
        site.wake();
      },
      failed: (error) => void site.failures.push(error),
    };
    const hub = new Hub({ ...options, hooks });
    const site = new Site(hub, server);
    hub.attach(server, base === undefined ? {} : { base });
    // WebSockets are no connections of the HTTP server any more: closeAllConnections does not know them.
    const sockets = new Set<Socket>();
    server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    scope.after(async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await hub.close();
    });
    return site;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url + path, init);
  }

  post(path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, { method: 'POST', body, headers });
  }

  socket(path: string, options: ConnectOptions = {}): Promise<ClientConnection> {
    return connect(`${this.url.replace('http', 'ws')}${path}`, options);
  }

  /** Resolves once as many clients are connected. */
  async connected(count: number): Promise<void> {
    await this.until(() => this.hub.clients.size === count);
  }

  /** Resolves once a condition holds that what clients do can change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    // The counts are right once the hook has returned.
    for (const resolve of waiting) setImmediate(resolve);
  }
}

/** The problem of an answer: its body, its type checked. */
export async function problemOf(response: Response): Promise<Record<string, unknown>> {
  const type = response.headers.get('content-type');
  if (type !== 'application/problem+json') throw new Error(`${response.status} is no problem but ${type}`);
  return (await response.json()) as Record<string, unknown>;
}
