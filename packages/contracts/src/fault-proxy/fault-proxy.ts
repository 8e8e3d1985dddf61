import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Faults } from './faults.ts';
import { httpStage, type Target } from './http-stage.ts';
import { Pump } from './pump.ts';

interface Link {
  readonly client: Socket;
  readonly pumps: readonly [Pump, Pump];
  end(by: 'end' | 'reset'): void;
}

/**
 * A proxy that does to connections what networks do. Bytes pass as they are, but for those faults that look at HTTP; then
 * a reverse proxy stands behind this one. Faults can change at any time: what is under way feels those that concern bytes.
 */
export class FaultProxy {
  readonly port: number;
  private readonly server: Server;
  private readonly target: { readonly host: string; port: number };
  private readonly stages: readonly [plain: HttpServer, stripping: HttpServer];
  private readonly stagePorts: readonly [number, number];
  private readonly links = new Set<Link>();
  /** Those that were upgraded are no connections of the stage any more. */
  private readonly stageSockets = new Set<Socket>();
  /** What holds now, for the stages too. */
  private readonly held: { faults: Faults };
  /** Connections that were made so far. */
  connections = 0;

  private constructor(
    server: Server,
    target: { readonly host: string; port: number },
    stages: readonly [HttpServer, HttpServer],
    held: { faults: Faults },
  ) {
    this.server = server;
    this.held = held;
    this.port = portOf(server);
    this.target = target;
    this.stages = stages;
    this.stagePorts = [portOf(stages[0]), portOf(stages[1])];
    server.on('connection', (client) => this.onConnection(client));
    for (const stage of stages) {
      stage.on('connection', (socket: Socket) => {
        this.stageSockets.add(socket);
        socket.on('close', () => this.stageSockets.delete(socket));
      });
    }
  }

  /** Listens on a free port of the loopback interface. @param port of the server behind it */
  static async start(port: number, faults: Faults = {}): Promise<FaultProxy> {
    const target = { host: '127.0.0.1', port };
    const held = { faults };
    const now = (): Faults => held.faults;
    const stages = [httpStage(target, now, true), httpStage(target, now, false)] as const;
    const server = createServer({ allowHalfOpen: true });
    for (const each of [server, ...stages]) {
      each.listen(0, '127.0.0.1');
      await once(each, 'listening');
    }
    return new FaultProxy(server, target, stages, held);
  }

  get faults(): Faults {
    return this.held.faults;
  }

  /** Connections at the moment. */
  get size(): number {
    return this.links.size;
  }

  /** In the place of all that held so far; nothing: everything passes. */
  set(faults: Faults = {}): void {
    this.held.faults = faults;
    for (const { pumps } of this.links) for (const pump of pumps) pump.turn();
  }

  /** New connections go to another server. @param port of it */
  aim(port: number): void {
    this.target.port = port;
  }

  /** Ends every connection that there is. */
  cut(by: 'end' | 'reset' = 'end'): void {
    for (const link of this.links) link.end(by);
  }

  async close(): Promise<void> {
    this.cut('reset');
    const servers = [this.server, ...this.stages];
    for (const stage of this.stages) stage.closeAllConnections();
    for (const socket of this.stageSockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  private onConnection(client: Socket): void {
    this.connections++;
    client.on('error', () => {});
    const { refuse, cutAfter } = this.faults;
    if (refuse === true) {
      reset(client);
      return;
    }
    const upstream = connect({ ...this.next(), allowHalfOpen: true });
    upstream.on('error', () => client.destroy());
    let passed = 0;
    const { cutIdle } = this.faults;
    const idle = cutIdle === undefined ? undefined : setTimeout(() => link.end(this.faults.cutBy ?? 'end'), cutIdle);
    const onPassed = (bytes: number): void => {
      idle?.refresh();
      passed += bytes;
      if (passed >= (this.faults.cutAfterBytes ?? Infinity)) link.end(this.faults.cutBy ?? 'end');
    };
    const faults = (): Faults => this.faults;
    const pumps = [
      new Pump(client, upstream, false, faults, () => void idle?.refresh()),
      new Pump(upstream, client, true, faults, onPassed),
    ] as const;
    const timer = cutAfter === undefined ? undefined : setTimeout(() => link.end(this.faults.cutBy ?? 'end'), cutAfter);
    const link: Link = {
      client,
      pumps,
      end: (by) => {
        for (const pump of pumps) pump.stop();
        if (by === 'reset') reset(client);
        else client.destroySoon();
        upstream.destroy();
      },
    };
    this.links.add(link);
    client.on('close', () => {
      clearTimeout(timer);
      clearTimeout(idle);
      this.links.delete(link);
      for (const pump of pumps) pump.stop();
      upstream.destroy();
    });
    upstream.on('close', () => {
      // What it had sent is on its way still.
      if (!this.links.has(link) || upstream.readableEnded) return;
      client.destroy();
    });
    for (const pump of pumps) pump.turn();
  }

  /** Where a new connection goes. */
  private next(): Target {
    const { stripUpgrade, bufferResponses, muteUpgraded } = this.faults;
    if (stripUpgrade === true) return { host: '127.0.0.1', port: this.stagePorts[1] };
    if (bufferResponses === true || muteUpgraded !== undefined) return { host: '127.0.0.1', port: this.stagePorts[0] };
    return this.target;
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** A reset and nothing before it: `resetAndDestroy` sends a FIN first, which the other side may take for the end. */
function reset(socket: Socket): void {
  // Once that FIN is on its way, it is too late: libuv refuses, and does not close the socket at all.
  if (!socket.writableEnded) (socket as Socket & { resetAndClosing: boolean }).resetAndClosing = true;
  socket.destroy();
}
