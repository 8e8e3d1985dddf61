import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { PathRouter, type PathMatch, type PathParameters } from '../handshake/path-template.ts';
import { Refusal } from '../handshake/refusal.ts';
import { parseRequestTarget } from '../handshake/request-target.ts';
import { isWebSocketUpgrade } from '../handshake/server-handshake.ts';
import { UsageError } from '../connection/errors.ts';
import { refuse } from './opening.ts';
import { hasPendingAnswer } from './pending-answer.ts';
import { mayLackFields, replayRequest } from './replay-request.ts';
import { filterUpgrades, hasContent } from './upgrade-wish.ts';

/** Whoever opens the WebSockets of one path. */
export interface UpgradeTarget {
  openUpgrade(request: IncomingMessage, socket: Socket, head: Buffer, parameters: PathParameters): void;
}

const NO_PARAMETERS: PathParameters = Object.freeze(Object.create(null) as Record<string, string>);
const dispatchers = new WeakMap<Server, UpgradeDispatcher>();

/**
 * The one `upgrade` listener that all WebSocket servers on an HTTP server share: finds whose path a request is for.
 */
export class UpgradeDispatcher {
  private readonly server: Server;
  private readonly router: PathRouter<UpgradeTarget> = new PathRouter();
  private fallback: UpgradeTarget | undefined;
  private size = 0;
  private unfilter: (() => void) | undefined;
  private readonly listener = (request: IncomingMessage, socket: Socket, head: Buffer): void =>
    this.dispatch(request, socket, head);

  static of(server: Server): UpgradeDispatcher {
    let dispatcher = dispatchers.get(server);
    if (dispatcher === undefined) dispatchers.set(server, (dispatcher = new UpgradeDispatcher(server)));
    return dispatcher;
  }

  private constructor(server: Server) {
    this.server = server;
  }

  /** @param path a path or template; undefined for all paths that nobody else has */
  add(path: string | undefined, target: UpgradeTarget): void {
    if (path !== undefined) this.router.add(path, target);
    else if (this.fallback === undefined) this.fallback = target;
    else {
      const hint = 'two WebSocket servers without a path on one HTTP server: give at least one of them a path';
      throw new UsageError('PB_OPTION_INVALID', hint);
    }
    if (this.size++ > 0) return;
    this.server.on('upgrade', this.listener);
    this.unfilter = filterUpgrades(
      this.server,
      (request) => this.isShared || !hasContent(request) || isWebSocketUpgrade(request.rawHeaders),
    );
  }

  delete(path: string | undefined, target: UpgradeTarget): void {
    if (path !== undefined) {
      if (!this.router.delete(path)) return;
    } else {
      if (this.fallback !== target) return;
      this.fallback = undefined;
    }
    if (--this.size > 0) return;
    this.server.off('upgrade', this.listener);
    this.unfilter!();
  }

  match(url: string | undefined): PathMatch<UpgradeTarget> | undefined {
    const path = parseRequestTarget(url ?? '')?.path;
    const found = path === undefined ? undefined : this.router.match(path);
    if (found !== undefined || this.fallback === undefined) return found;
    return { value: this.fallback, template: '*', parameters: NO_PARAMETERS };
  }

  /** Somebody else listens for upgrades too: what is not ours may be theirs. */
  private get isShared(): boolean {
    return this.server.listenerCount('upgrade') > 1;
  }

  private dispatch(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const isWebSocket = isWebSocketUpgrade(request.rawHeaders);
    const found = isWebSocket ? this.match(request.url) : undefined;
    if (found === undefined && this.isShared) return;
    // Answers come in the order of the requests (RFC 9112 §9.3.2). No client that means well pipelines an upgrade.
    if (hasPendingAnswer(request.socket)) socket.destroy();
    else if (!isWebSocket) this.ignoreUpgrade(request, socket, head);
    else if (found !== undefined) found.value.openUpgrade(request, socket, head, found.parameters);
    else refuse(socket, Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH'), request.method);
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
