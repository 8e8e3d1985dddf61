// A site whose pages use @pulsebeacon/client, behind proxies that break the way there.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { FaultProxy, type Faults } from '@pulsebeacon/contracts/fault-proxy';
import { Hub, type HubOptions } from '@pulsebeacon/hub';
import type { Scope } from './cleanup.ts';
import { inClone } from './root.ts';

/** What `/connect` answers instead of the hub: a head as it stands, to handshakes and requests alike. */
export type Gate = { readonly status: number; readonly headers: Readonly<Record<string, string>> } | undefined;

const FILES: Readonly<Record<string, readonly [type: string, file: string]>> = {
  '/': ['text/html', inClone('test/browser/client/pages/index.html')],
  '/harness.js': ['text/javascript', inClone('test/browser/client/pages/harness.js')],
  '/worker.js': ['text/javascript', inClone('test/browser/client/pages/worker.js')],
  '/client.js': ['text/javascript', fileURLToPath(import.meta.resolve('@pulsebeacon/client'))],
  '/websocket.js': ['text/javascript', fileURLToPath(import.meta.resolve('@pulsebeacon/client/websocket'))],
};

/** A hub, and the pages that use it. */
export class ClientSite {
  readonly hub: Hub;
  readonly port: number;
  /** Holds for `/connect` alone, so that the page itself can be loaded. */
  gate: Gate;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(scope: Scope, server: Server, hub: Hub) {
    this.server = server;
    this.hub = hub;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    scope.after(() => this.close());
  }

  /** With heartbeats as they are by default, so that a busy machine is not taken for a stall. */
  static async start(scope: Scope, options: HubOptions = {}): Promise<ClientSite> {
    const hub = new Hub({
      namespaces: [{ match: '*', publish: 'anyone', history: { size: 10_000 } }],
      ...options,
    });
    const server = createServer((request, response) => {
      const [type, file] = FILES[request.url!] ?? [];
      if (file === undefined) return response.writeHead(404).end();
      response.setHeader('Content-Type', `${type}; charset=utf-8`);
      return void readFile(file).then((bytes) => response.end(bytes));
    });
    hub.attach(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const site = new ClientSite(scope, server, hub);
    site.putGateBeforeHub();
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A proxy of its own in front of the site. */
  async through(scope: Scope, faults: Faults = {}): Promise<FaultProxy> {
    const proxy = await FaultProxy.start(this.port, faults);
    scope.after(() => proxy.close());
    return proxy;
  }

  /** Every connection ends at once. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Around the `emit` that the hub has wrapped, so that the gate comes first. */
  private putGateBeforeHub(): void {
    const { server } = this;
    const emit = server.emit as (...parameters: unknown[]) => boolean;
    const own = (event: unknown, ...rest: unknown[]): boolean => {
      const { gate } = this;
      const request = rest[0] as IncomingMessage;
      const isMeant = (event === 'request' || event === 'upgrade') && request.url!.startsWith('/connect');
      if (gate === undefined || !isMeant) return emit.call(server, event, ...rest);
      const fields = Object.entries({ ...gate.headers, Connection: 'close', 'Content-Length': '0' });
      const lines = [`HTTP/1.1 ${gate.status} Gate`, ...fields.map(([name, value]) => `${name}: ${value}`)];
      request.socket.end(`${lines.join('\r\n')}\r\n\r\n`);
      return true;
    };
    Object.defineProperty(server, 'emit', { value: own });
  }

  private async close(): Promise<void> {
    this.cut();
    await this.hub.close();
    this.server.close();
  }
}
