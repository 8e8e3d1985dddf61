import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import {
  type HostServer,
  type ListenTarget,
  type ReceiveMode,
  type ServerConnection,
  type ServerOptions,
  WebSocketServer,
} from '@pulsebeacon/websocket';
import { processMemory } from '#dist/connection/process-memory.js';
import { Http2Client } from './http2-client.ts';
import { RawClient, type RawRequest, type Target } from './raw-client.ts';

/** What a server's handlers were told, in order, in words; and a way to wait for it. */
export class Log {
  readonly lines: string[] = [];
  private readonly waiting: (() => void)[] = [];

  add(line: string): void {
    this.lines.push(line);
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Resolves when a line has come that is `wanted`, or begins with it. */
  async has(wanted: string, times = 1): Promise<string> {
    for (;;) {
      const found = this.lines.filter((line) => line.startsWith(wanted));
      if (found.length >= times) return found[times - 1]!;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

export interface Served<Context, Receive extends ReceiveMode> {
  readonly server: WebSocketServer<Context, Receive>;
  readonly target: Target;
  /** Opens a WebSocket; its end is seen to when the test ends. */
  open(request?: RawRequest): Promise<RawClient>;
  /** Opens a network connection; its end is seen to when the test ends. */
  connect(): Promise<RawClient>;
  /** Opens a session of HTTP/2; its end is seen to when the test ends. */
  http2(): Promise<Http2Client>;
}

/** Set by test files that run others with servers of `node:http` to which theirs are attached. */
const ATTACHES = process.env['PULSEBEACON_TEST_SERVERS'] === 'attached';

/**
 * A server that listens by itself while the test runs. At its end every client is cut, and nothing may be left: no
 * connection, no buffered byte.
 */
export async function serve<Context = unknown, Receive extends ReceiveMode = 'owned'>(
  t: TestContext,
  options: ServerOptions<Context, Receive> = {},
  where: ListenTarget = { port: 0, host: '127.0.0.1' },
): Promise<Served<Context, Receive>> {
  if (ATTACHES && where.tls === undefined && where.path === undefined) return serveOn(t, createServer(), options);
  const server = new WebSocketServer<Context, Receive>(options);
  const address = await server.listen(where);
  return watch(t, server, typeof address === 'string' ? address : address.port, where.tls !== undefined);
}

/** As {@link serve}, on the HTTP server of somebody else, which begins to listen here. */
export async function serveOn<Context = unknown, Receive extends ReceiveMode = 'owned'>(
  t: TestContext,
  host: HostServer,
  options: ServerOptions<Context, Receive> = {},
  secure = false,
): Promise<Served<Context, Receive>> {
  const server = new WebSocketServer<Context, Receive>(options).attach(host);
  return watch(t, server, await listen(t, host), secure);
}

/** Has an HTTP server listen on a free port until the test ends. */
export async function listen(t: TestContext, host: HostServer): Promise<number> {
  if (!host.listening) {
    host.listen(0, '127.0.0.1');
    await once(host, 'listening');
    t.after(() => {
      // Not on servers of HTTP/2.
      (host as Partial<Server>).closeAllConnections?.();
      host.close();
    });
  }
  return (host.address() as AddressInfo).port;
}

function watch<Context, Receive extends ReceiveMode>(
  t: TestContext,
  server: WebSocketServer<Context, Receive>,
  target: Target,
  secure: boolean,
): Served<Context, Receive> {
  const clients: { destroy(): void }[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    await server.close();
    const { open, peak, accepted, closedByCode } = server.counts();
    assert.equal(open, 0, 'connections are left');
    assert.equal(server.connections.size, 0);
    const closed = Object.values(closedByCode).reduce((sum, count) => sum + count, 0);
    assert.equal(closed, accepted, 'every connection that opened has closed');
    assert.ok(peak <= accepted);
    assert.equal(processMemory.buffered, 0, 'buffered bytes are left');
  });
  const keep = async <Client extends { destroy(): void }>(client: Promise<Client>): Promise<Client> => {
    clients.push(await client);
    return client;
  };
  return {
    server,
    target,
    open: (request) => keep(RawClient.open(target, request, secure)),
    connect: () => keep(RawClient.connect(target, secure)),
    http2: () => keep(Http2Client.connect(target as number, secure)),
  };
}

/** Handlers that only keep a log. */
export function logged(log: Log) {
  return {
    open: () => log.add('open'),
    message: (_: ServerConnection, data: string | Uint8Array, kind: string) =>
      log.add(`${kind} ${typeof data === 'string' ? JSON.stringify(data) : Buffer.from(data).toString('hex')}`),
    drain: () => log.add('drain'),
    ping: (_: ServerConnection, data: Uint8Array) => log.add(`ping ${Buffer.from(data).toString('hex')}`),
    pong: (_: ServerConnection, data: Uint8Array) => log.add(`pong ${Buffer.from(data).toString('hex')}`),
    error: (_: ServerConnection, error: { code: string }) => log.add(`error ${error.code}`),
    close: (_: ServerConnection, code: number, reason: string, wasClean: boolean) =>
      log.add(`close ${code} ${JSON.stringify(reason)}${wasClean ? ' clean' : ''}`),
  };
}
