import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions as TlsOptions } from 'node:https';
import type { AddressInfo, ListenOptions } from 'node:net';
import { bytesOf, checkCloseArguments } from '../connection/arguments.ts';
import type { MessageKind, SendData } from '../connection/connection.ts';
import { UsageError } from '../connection/errors.ts';
import { OPCODE_BINARY, OPCODE_TEXT } from '../protocol/opcodes.ts';
import { PreparedMessage } from '../connection/prepared-message.ts';
import { refuseMethod } from '../handshake/extended-connect.ts';
import { encodeHttp2Refusal, encodeRefusal, Refusal } from '../handshake/refusal.ts';
import { OriginPolicy } from '../handshake/origin.ts';
import { Census, type ServerCounts, sumTraffic } from './census.ts';
import type { DeflateOptions } from './deflate/options.ts';
import { NodeDeflateProvider } from './deflate/provider.ts';
import type { HostServer } from './connect-dispatcher.ts';
import type { ReceiveMode } from './connection-limits.ts';
import { checkNames, resolveLimits, type ResolvedLimits, type ServerOptions } from './options.ts';
import { OwnServer } from './own-server.ts';
import { TrustedProxies } from './trusted-proxies.ts';
import { nodePlatform } from './platform.ts';
import { Route } from './route.ts';
import type { ServerConnection, ServerConnectionCore } from './server-connection.ts';
import { prepareSharedReadBuffer } from './shared-read-buffer.ts';
import { UpgradeDispatcher } from './upgrade-dispatcher.ts';

/** Where a server listens by itself: as `net.Server.listen` takes it, and for TLS as `https.createServer` does. */
export interface ListenTarget extends ListenOptions {
  readonly tls?: TlsOptions;
}

/** How a message is prepared for many. */
export interface PrepareOptions {
  /** Compress it for connections with permessage-deflate. `false` for secrets, always. Default: from the threshold on. */
  readonly compress?: boolean;
  /**
   * It is a line of text, without a line end. Of such, those that go to a connection one right after the other in one turn
   * of the event loop may leave as one message of up to 64 KiB, with a line feed between each two: whoever receives them
   * has to know. Where they are compressed they do not. Default false.
   */
  readonly isLine?: boolean;
}

export interface BroadcastOptions<Context> extends PrepareOptions {
  /** Default: text for a string, binary for bytes. Says nothing of a message that is prepared already. */
  readonly kind?: MessageKind;
  /** Who gets it. Default: everybody. */
  readonly filter?: (connection: ServerConnection<Context>) => boolean;
}

/** What a broadcast reached. */
export interface BroadcastResult {
  /** Connections that it is on its way to. */
  readonly sent: number;
  /** Connections that it was not sent to: closing, or by slow-consumer policy. */
  readonly dropped: number;
}

/**
 * A WebSocket server (RFC 6455, RFC 7692) on any HTTP server of Node.
 *
 *     const sockets = new WebSocketServer({ path: '/echo', message: (c, data) => c.send(data) });
 *     sockets.attach(httpServer);
 */
export class WebSocketServer<Context = unknown, Receive extends ReceiveMode = 'owned'> {
  readonly options: ServerOptions<Context, Receive>;
  readonly limits: ResolvedLimits;
  readonly originPolicy: OriginPolicy;
  /** Who is believed when it says who a client is. */
  readonly proxies: TrustedProxies | undefined;
  /** Counts of the whole server; those of a path are with its route. */
  readonly census: Census = new Census();
  private readonly routes: readonly Route<Context>[];
  private readonly live = new Set<ServerConnectionCore<Context>>();
  private readonly addresses = new Map<string, number>();
  private readonly hosts = new Set<HostServer>();
  private readonly own = new Set<OwnServer>();
  private whenEmpty: (() => void) | undefined;
  private closing: Promise<void> | undefined;
  private draining = false;

  /**
   * @throws UsageError `PB_OPTION_INVALID` for a limit that cannot be
   * @throws HandshakeUsageError for paths, origins and subprotocols that cannot be read
   */
  constructor(options: ServerOptions<Context, Receive> = {}) {
    checkNames(options);
    this.options = options;
    this.limits = resolveLimits(options);
    this.originPolicy = new OriginPolicy(options);
    this.proxies = options.trustedProxies === undefined ? undefined : new TrustedProxies(options.trustedProxies);
    const paths =
      options.path === undefined ? [undefined] : typeof options.path === 'string' ? [options.path] : options.path;
    const deflate = deflateProvider(options.compression);
    this.routes = paths.map(
      (path) => new Route(this as unknown as WebSocketServer<Context, ReceiveMode>, path, deflate),
    );
  }

  /** The open connections. Iterate it; take care not to keep it across turns as if it stood still. */
  get connections(): ReadonlySet<ServerConnection<Context>> {
    return this.live;
  }

  /** Whether {@link close} was called: new handshakes get 503. */
  get isClosing(): boolean {
    return this.draining;
  }

  /**
   * Answers the WebSocket handshakes on `server`, beside its ordinary requests. It can be attached to several servers;
   * several WebSocketServers can be attached to one, by path.
   * @param server of `node:http`, `node:https` or `node:http2`; that of Express, Fastify, Hono or Koa is one
   * @throws HandshakeUsageError `PB_PATH_TEMPLATE_CONFLICT` where a path is taken; UsageError `PB_OPTION_INVALID` for a
   *   second server without one. Then nothing is attached.
   */
  attach(server: HostServer): this {
    if (this.hosts.has(server)) return this;
    const dispatcher = UpgradeDispatcher.of(server);
    const added: Route<Context>[] = [];
    try {
      for (const route of this.routes) {
        dispatcher.add(route.path, route);
        added.push(route);
      }
    } catch (error) {
      for (const route of added) dispatcher.delete(route.path, route);
      throw error;
    }
    this.hosts.add(server);
    void prepareSharedReadBuffer();
    return this;
  }

  /** Answers no more handshakes on `server`. Its open connections stay. */
  detach(server: HostServer): void {
    if (!this.hosts.delete(server)) return;
    const dispatcher = UpgradeDispatcher.of(server);
    for (const route of this.routes) dispatcher.delete(route.path, route);
  }

  /**
   * Listens by itself: on a port of all addresses, or as `target` says (`host`, `port`, `path` of a Unix socket, `tls`);
   * for HTTP/1.1 and, unless `http2` is `false`, for HTTP/2: over TLS by ALPN, else with prior knowledge. Ordinary
   * requests get 426 (over HTTP/2 405) on its paths, and 404 elsewhere.
   * @returns where it listens: an address, or the path of the Unix socket
   * @throws UsageError `PB_SERVER_CLOSED` once {@link close} was called
   */
  async listen(target: number | ListenTarget): Promise<AddressInfo | string> {
    const { tls, ...where } = typeof target === 'number' ? { port: target } : target;
    const own = new OwnServer(tls, this.options.http2 !== false, this.proxies, (request, response) => {
      if (!this.handleRequest(request, response)) respond(response, request, Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH'));
    });
    for (const server of own.servers) this.attach(server);
    try {
      await prepareSharedReadBuffer();
      await own.listen(where);
      if (this.draining) throw new UsageError('PB_SERVER_CLOSED', 'the server was closed before it listened');
    } catch (error) {
      for (const server of own.servers) this.detach(server);
      own.close();
      throw error;
    }
    this.own.add(own);
    return own.address;
  }

  /**
   * Answers an ordinary HTTP request on a path of this server: 426 for a GET that does not ask for an upgrade, 405 for
   * any other method, and over HTTP/2. For applications that have no page there.
   * @returns false, having done nothing, where the path is not this server's
   */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    if (!this.routes.some((route) => route.matches(request.url))) return false;
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    const refusal =
      request.httpVersionMajor >= 2
        ? refuseMethod()
        : Refusal.of(isGet ? 'PB_HANDSHAKE_UPGRADE_MISSING' : 'PB_HANDSHAKE_METHOD');
    respond(response, request, refusal);
    return true;
  }

  /**
   * Sends a message to all open connections, or to those that `filter` picks. It is framed once, and compressed once
   * for each window size; what is broadcast in one turn of the event loop leaves in one write for each connection.
   */
  broadcast(message: SendData | PreparedMessage, options?: BroadcastOptions<Context>): BroadcastResult {
    const prepared = message instanceof PreparedMessage ? message : prepareMessage(message, options?.kind, options);
    const filter = options?.filter;
    let sent = 0;
    let dropped = 0;
    for (const connection of this.live) {
      if (filter !== undefined && !filter(connection)) continue;
      const result = connection.sendPrepared(prepared);
      if (result === 'sent' || result === 'queued') sent++;
      else dropped++;
    }
    return { sent, dropped };
  }

  /** How many connections, messages and bytes, of the server and of each path. */
  counts(): ServerCounts {
    const paths = Object.fromEntries(this.routes.map((route) => [route.path ?? '*', route.census.read()]));
    return { ...this.census.read(sumTraffic(this.routes.map((route) => route.census.traffic))), paths };
  }

  /**
   * Shuts down: new handshakes get 503, every connection is closed with 1001, and the promise resolves when the last
   * one is gone, at the latest after `closeTimeout`. Servers of `listen` stop; those of `attach` are the host's. Once
   * it has begun, further calls wait for the same end.
   */
  async close(code = 1001, reason = ''): Promise<void> {
    checkCloseArguments(code, reason);
    await (this.closing ??= this.shutDown(code, reason));
  }

  private async shutDown(code: number, reason: string): Promise<void> {
    this.draining = true;
    const own = [...this.own];
    const stopped = own.map((server) => server.close());
    for (const route of this.routes) route.refuseUndecided();
    for (const connection of this.live) connection.close(code, reason);
    if (this.live.size > 0) await new Promise<void>((resolve) => (this.whenEmpty = resolve));
    // Whoever is still sending the head of a request has had that long.
    for (const server of own) server.closeAllConnections();
    await Promise.all(stopped);
    for (const server of this.hosts) this.detach(server);
  }

  /** For {@link Route}: the cap that one more connection from `address` would pass. */
  capReached(address: string | undefined): 'PB_HANDSHAKE_SERVER_FULL' | 'PB_HANDSHAKE_ADDRESS_FULL' | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.limits;
    if (this.census.open >= maxConnections) return 'PB_HANDSHAKE_SERVER_FULL';
    const fromAddress = address === undefined ? 0 : (this.addresses.get(address) ?? 0);
    return fromAddress >= maxConnectionsPerAddress ? 'PB_HANDSHAKE_ADDRESS_FULL' : undefined;
  }

  /** For {@link Route}: a connection has opened. */
  register(connection: ServerConnectionCore<Context>): void {
    this.live.add(connection);
    const { remoteAddress, httpVersion } = connection;
    this.census.onAccepted(httpVersion);
    if (remoteAddress !== undefined && this.limits.maxConnectionsPerAddress !== Infinity) {
      this.addresses.set(remoteAddress, (this.addresses.get(remoteAddress) ?? 0) + 1);
    }
  }

  /** For {@link Route}: a connection is over. */
  unregister(connection: ServerConnectionCore<Context>, code: number): void {
    this.live.delete(connection);
    const { remoteAddress, httpVersion } = connection;
    this.census.onClosed(code, httpVersion);
    if (remoteAddress !== undefined && this.limits.maxConnectionsPerAddress !== Infinity) {
      const left = this.addresses.get(remoteAddress)! - 1;
      if (left === 0) this.addresses.delete(remoteAddress);
      else this.addresses.set(remoteAddress, left);
    }
    if (this.live.size === 0) this.whenEmpty?.();
  }
}

/**
 * Frames a message once, to be sent to many with `sendPrepared`. Bytes are copied.
 * @param kind default: text for a string, binary for bytes; bytes as text must be UTF-8
 * @throws UsageError `PB_DATA_TYPE` for data that cannot go so, `PB_OPTION_INVALID` for `isLine` of what is no line of text
 */
export function prepareMessage(data: SendData, kind?: MessageKind, options?: PrepareOptions): PreparedMessage {
  const payload = typeof data === 'string' ? data : bytesOf(data);
  const opcode = (kind ?? (typeof data === 'string' ? 'text' : 'binary')) === 'text' ? OPCODE_TEXT : OPCODE_BINARY;
  if (opcode === OPCODE_TEXT && typeof payload !== 'string' && !nodePlatform.isUtf8(payload, 0, payload.length)) {
    throw new UsageError('PB_DATA_TYPE', 'cannot prepare these bytes as text: they are not UTF-8; send them as binary');
  }
  const isLine = options?.isLine === true;
  if (isLine && (opcode !== OPCODE_TEXT || hasLineFeed(payload))) {
    throw new UsageError('PB_OPTION_INVALID', 'isLine is true, but the message is no text on one line: leave it out');
  }
  return new PreparedMessage(opcode, payload, options?.compress, isLine);
}

function hasLineFeed(text: string | Uint8Array): boolean {
  return typeof text === 'string' ? text.includes('\n') : text.includes(0x0a);
}

function deflateProvider(compression: boolean | DeflateOptions | undefined): NodeDeflateProvider | null {
  if (compression === undefined || compression === false) return null;
  return new NodeDeflateProvider(compression === true ? {} : compression);
}

function respond(response: ServerResponse, request: IncomingMessage, refusal: Refusal): void {
  const { method } = request;
  if (request.httpVersionMajor >= 2) {
    const { status, lines, body } = encodeHttp2Refusal(nodePlatform, refusal, { method });
    for (const [name, value] of lines) response.appendHeader(name, value);
    response.writeHead(status);
    response.end(body);
    return;
  }
  const { head, body } = encodeRefusal(nodePlatform, refusal, { method });
  const lines = head.split('\r\n').slice(1, -2);
  for (const line of lines) {
    const colon = line.indexOf(': ');
    response.appendHeader(line.slice(0, colon), line.slice(colon + 2));
  }
  response.writeHead(refusal.status);
  response.end(body);
}
