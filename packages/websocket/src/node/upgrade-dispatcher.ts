import { type IncomingMessage, maxHeaderSize, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { PathRouter, type PathMatch, type PathParameters } from '../handshake/path-template.ts';
import { Refusal } from '../handshake/refusal.ts';
import { parseRequestTarget } from '../handshake/request-target.ts';
import { isWebSocketUpgrade } from '../handshake/server-handshake.ts';
import { readUpgradeHead } from '../handshake/upgrade-head.ts';
import { UsageError } from '../connection/errors.ts';
import { ConnectDispatcher, type HandshakeTarget, type HostServer, isHttp2Server } from './connect-dispatcher.ts';
import { HeadExchange, UpgradeExchange } from './exchange.ts';
import { refuse } from './opening.ts';
import { hasPendingAnswer } from './pending-answer.ts';
import { nodePlatform } from './platform.ts';
import { CAN_MAKE_REQUESTS } from './made-request.ts';
import { mayLackFields, replayRequest } from './replay-request.ts';
import { filterUpgrades, hasContent } from './upgrade-wish.ts';

const NO_PARAMETERS: PathParameters = Object.freeze(Object.create(null) as Record<string, string>);
const dispatchers = new WeakMap<HostServer, UpgradeDispatcher>();

/** What `createServer` was told of how headers are read; Node keeps it on the server. */
interface ReadingOptions {
  readonly maxHeaderSize?: number;
  readonly joinDuplicateHeaders?: boolean;
}

/**
 * The one `upgrade` listener that all WebSocket servers on an HTTP server share: finds whose path a request is for. On a
 * server that speaks HTTP/2, what takes its extended CONNECTs, too.
 */
export class UpgradeDispatcher {
  private readonly server: Server;
  private readonly connects: ConnectDispatcher | undefined;
  private readonly router: PathRouter<HandshakeTarget> = new PathRouter();
  private fallback: HandshakeTarget | undefined;
  private readonly targets = new Set<HandshakeTarget>();
  private unfilter: (() => void) | undefined;
  private readonly listener = (request: IncomingMessage, socket: Socket, head: Buffer): void =>
    this.dispatch(request, socket, head);

  static of(server: HostServer): UpgradeDispatcher {
    let dispatcher = dispatchers.get(server);
    if (dispatcher === undefined) dispatchers.set(server, (dispatcher = new UpgradeDispatcher(server)));
    return dispatcher;
  }

  /**
   * Opens the WebSocket that a connection begins with, if there is nothing about its handshake that is for the server to
   * say, or for anybody else who listens to it.
   * @param first what the socket begins with; it flows
   * @returns false, having done nothing, where that is for the server itself
   */
  static openFirst(server: Server, socket: Socket, first: Buffer): boolean {
    return CAN_MAKE_REQUESTS && dispatchers.get(server)?.open(socket, first) === true;
  }

  private constructor(server: HostServer) {
    // One that speaks HTTP/2 as well has the same events for HTTP/1.1.
    this.server = server as Server;
    this.connects = isHttp2Server(server) ? new ConnectDispatcher(server, (path) => this.match(path)) : undefined;
  }

  /** @param path a path or template; undefined for all paths that nobody else has */
  add(path: string | undefined, target: HandshakeTarget): void {
    if (path !== undefined) this.router.add(path, target);
    else if (this.fallback === undefined) this.fallback = target;
    else {
      const hint = 'two WebSocket servers without a path on one HTTP server: give at least one of them a path';
      throw new UsageError('PB_OPTION_INVALID', hint);
    }
    const isFirst = this.targets.size === 0;
    this.targets.add(target);
    this.announce();
    if (!isFirst) return;
    this.connects?.start();
    this.server.on('upgrade', this.listener);
    this.unfilter = filterUpgrades(
      this.server,
      (request) => this.isShared || !hasContent(request) || isWebSocketUpgrade(request.rawHeaders),
    );
  }

  delete(path: string | undefined, target: HandshakeTarget): void {
    if (path !== undefined) {
      if (!this.router.delete(path)) return;
    } else {
      if (this.fallback !== target) return;
      this.fallback = undefined;
    }
    this.targets.delete(target);
    if (this.targets.size > 0) return this.announce();
    this.connects?.stop();
    this.server.off('upgrade', this.listener);
    this.unfilter!();
  }

  match(url: string | undefined): PathMatch<HandshakeTarget> | undefined {
    const path = parseRequestTarget(url ?? '')?.path;
    const found = path === undefined ? undefined : this.router.match(path);
    if (found !== undefined || this.fallback === undefined) return found;
    return { value: this.fallback, template: '*', parameters: NO_PARAMETERS };
  }

  /** Browsers take it as a promise for the whole origin, so that one path that cannot is enough not to (RFC 8441 §3). */
  private announce(): void {
    this.connects?.announce([...this.targets].every((target) => target.takesHttp2));
  }

  /** Somebody else listens for upgrades too: what is not ours may be theirs. */
  private get isShared(): boolean {
    return this.server.listenerCount('upgrade') > 1;
  }

  private open(socket: Socket, first: Buffer): boolean {
    const { server } = this;
    if (this.targets.size === 0 || server.listenerCount('upgrade') !== 1) return false;
    const { maxHeaderSize: most = maxHeaderSize, joinDuplicateHeaders } = server as ReadingOptions;
    // Limits that Node's parser has, the silence that it allows, and what it makes of fields that come twice.
    if (server.maxHeadersCount || server.timeout || joinDuplicateHeaders) return false;
    const head = readUpgradeHead(nodePlatform, first, most);
    const found = head === undefined ? undefined : this.match(head.url);
    if (found === undefined || !found.value.takesHeads) return false;
    const exchange = new HeadExchange(head!, socket, first.subarray(head!.length));
    found.value.openHandshake(exchange, found.parameters);
    return true;
  }

  private dispatch(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const isWebSocket = isWebSocketUpgrade(request.rawHeaders);
    const found = isWebSocket ? this.match(request.url) : undefined;
    if (found === undefined && this.isShared) return;
    // Answers come in the order of the requests (RFC 9112 §9.3.2). No client that means well pipelines an upgrade.
    if (hasPendingAnswer(request.socket)) socket.destroy();
    else if (!isWebSocket) this.ignoreUpgrade(request, socket, head);
    else if (found !== undefined) {
      found.value.openHandshake(new UpgradeExchange(request, socket, head), found.parameters);
    } else refuse(socket, Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH'), request.method);
  }

  private ignoreUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // What stands in for the socket while a body arrives (Node 26) cannot be put back.
    if (socket !== request.socket) socket.destroy();
    else if (mayLackFields(this.server, request)) {
      refuse(socket, Refusal.of('PB_HANDSHAKE_TOO_MANY_FIELDS'), request.method);
    } else {
      replayRequest(this.server, request, socket, head);
    }
  }
}
