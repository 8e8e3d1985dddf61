import type { Server } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerOptions } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { checkOneOf, checkOptionNames, checkWhole, withDefaults } from './connection-limits.ts';
import {
  checkSessionLimits,
  Http2Sessions,
  SESSION_LIMITS,
  type SessionFault,
  type SessionLimits,
} from './http2-sessions.ts';
import { isSecure } from './opening.ts';
import { PlainConnections } from './plain-connections.ts';

/** How an HTTP server speaks HTTP/2 beside HTTP/1.1. */
export interface Http2Options extends Partial<SessionLimits> {
  /** Most bytes of the header of a request, as RFC 9113 §6.5.2 counts them. Default 16,384. */
  readonly maxHeaderListSize?: number;
  /** Most header fields of a request, the pseudo-header fields included. Default 105. */
  readonly maxHeaderFields?: number;
  /**
   * WebSockets of this package over plain TCP are opened without a parser and a request of `node:http` for each, where the
   * connection begins with a handshake that is nothing unusual. All the rest is as it is without, but an
   * `IncomingMessage` and a `shouldUpgradeCallback` of the application's own are not asked. Default false.
   */
  readonly readsHandshakes?: boolean;
  /** A session was ended for a flood of resets or of control frames. */
  readonly onFault?: (fault: SessionFault, session: ServerHttp2Session) => void;
}

/** The HTTP/2 of a server that listens for both. */
export interface Http2Side {
  /** Gets the requests over HTTP/2: by `request`, as the other does, or by `stream`. It does not listen itself. */
  readonly server: Http2Server;
  /** Ends the sessions as their streams end, and whoever has not said yet what it speaks. */
  close(): void;
  /** Ends what is left. */
  destroy(): void;
}

const DEFAULTS = { ...SESSION_LIMITS, maxHeaderListSize: 16_384, maxHeaderFields: 105, readsHandshakes: false };
const NAMES: ReadonlySet<string> = new Set([...Object.keys(DEFAULTS), 'onFault']);

/**
 * Has an HTTP server speak HTTP/2 on the same port: over TLS with clients that choose `h2` by ALPN, which the server has
 * to offer (`ALPNProtocols: ['h2', 'http/1.1']`), and over plain TCP with those that begin with the preface of HTTP/2. All
 * others are served as before. To be called before the server listens, and before others listen to its connections.
 * @throws UsageError `PB_OPTION_INVALID`
 */
export function withHttp2(server: Server, options: Http2Options = {}): Http2Side {
  checkOptionNames(options, NAMES, ['onFault']);
  const limits = withDefaults(options, { ...DEFAULTS, requestTimeout: server.requestTimeout });
  const { maxStreams, maxHeaderListSize, maxHeaderFields, readsHandshakes } = limits;
  checkSessionLimits(limits);
  checkWhole(limits, 'maxHeaderListSize', 1, 2 ** 31);
  checkWhole(limits, 'maxHeaderFields', 1, 2 ** 31);
  checkOneOf(limits, 'readsHandshakes', [true, false]);
  const http2 = createServer({
    maxHeaderListPairs: maxHeaderFields,
    settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize },
  } satisfies ServerOptions);
  const sessions = new Http2Sessions(http2, limits, options.onFault ?? ignore);
  const sockets = new Set<Socket>();
  const isTls = server.listenerCount('secureConnection') > 0;
  const event = isTls ? 'secureConnection' : 'connection';
  const others = server.listeners(event) as ((socket: Socket) => void)[];
  server.removeAllListeners(event);
  const toHttp1 = (socket: Socket): void => {
    for (const other of others) other.call(server, socket);
  };
  const toHttp2 = (socket: Socket): void => {
    // As a server of node:http2 has them: the end of the client is the end of its session.
    socket.allowHalfOpen = false;
    // Whatever becomes of the session, its socket's errors find somebody.
    socket.on('error', ignore).on('close', () => sockets.delete(socket));
    sockets.add(socket);
    const add = (session: ServerHttp2Session): void => sessions.add(session, socket);
    // Last of the listeners: the streams that others take from a session are counted, too.
    http2.once('session', add).emit('connection', socket);
    http2.off('session', add);
  };
  const plain = new PlainConnections(server, { toHttp1, toHttp2, readsHandshakes });
  server.on(event, (socket: Socket) => {
    if (!isSecure(socket)) plain.add(socket);
    else if ((socket as TLSSocket).alpnProtocol === 'h2') toHttp2(socket);
    else toHttp1(socket);
  });
  return {
    server: http2,
    close() {
      sessions.close();
      plain.destroyUndecided();
    },
    destroy() {
      // A session that was closed waits for its peer to read; a socket does not.
      for (const socket of sockets) socket.destroy();
    },
  };
}

function ignore(): void {}
