import type { Server } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerOptions } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Beginning, readBeginning } from './beginning.ts';
import { checkOptionNames, checkWhole, withDefaults } from './connection-limits.ts';
import {
  checkSessionLimits,
  Http2Sessions,
  SESSION_LIMITS,
  type SessionFault,
  type SessionLimits,
} from './http2-sessions.ts';
import { isSecure } from './opening.ts';

/** How an HTTP server speaks HTTP/2 beside HTTP/1.1. */
export interface Http2Options extends Partial<SessionLimits> {
  /** Most bytes of the header of a request, as RFC 9113 §6.5.2 counts them. Default 16,384. */
  readonly maxHeaderListSize?: number;
  /** Most header fields of a request, the pseudo-header fields included. Default 105. */
  readonly maxHeaderFields?: number;
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

/** What a client begins with that knows that it will find HTTP/2 (RFC 9113 §3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** No request of HTTP/1.1 begins so. */
const TELLING_BYTES = 4;

const DEFAULTS = { ...SESSION_LIMITS, maxHeaderListSize: 16_384, maxHeaderFields: 105 };
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
  const { maxStreams, maxHeaderListSize, maxHeaderFields } = limits;
  checkSessionLimits(limits);
  checkWhole(limits, 'maxHeaderListSize', 1, 2 ** 31);
  checkWhole(limits, 'maxHeaderFields', 1, 2 ** 31);
  const http2 = createServer({
    maxHeaderListPairs: maxHeaderFields,
    settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize },
  } satisfies ServerOptions);
  const sessions = new Http2Sessions(http2, limits, options.onFault ?? ignore);
  const undecided = new Set<Socket>();
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
  server.on(event, (socket: Socket) => {
    if (isSecure(socket)) {
      if ((socket as TLSSocket).alpnProtocol === 'h2') toHttp2(socket);
      else toHttp1(socket);
    } else {
      undecided.add(socket);
      readBeginning(socket, server.headersTimeout, looksLikeHttp2, (isHttp2) => {
        undecided.delete(socket);
        if (isHttp2 === true) toHttp2(socket);
        else if (isHttp2 === false) toHttp1(socket);
        else if (isHttp2 === 'late') refuseLate(server, socket);
        else socket.destroy();
      });
    }
  });
  return {
    server: http2,
    close() {
      sessions.close();
      for (const socket of undecided) socket.destroy();
    },
    destroy() {
      // A session that was closed waits for its peer to read; a socket does not.
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Whether a socket begins as HTTP/2 does; undefined where that cannot be told yet. All of it is left there. */
function looksLikeHttp2(seen: Buffer): Beginning<boolean> | undefined {
  const isLike = seen.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, seen.length));
  return isLike && seen.length < TELLING_BYTES ? undefined : { says: isLike, length: 0 };
}

/** As Node does with a request that takes too long: the application answers, where it listens for that. */
function refuseLate(server: Server, socket: Socket): void {
  socket.on('error', ignore);
  const late = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  if (server.emit('clientError', late, socket)) return;
  socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n', () => socket.destroy());
}

function ignore(): void {}
