import type { Server } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerOptions } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Http2Sessions, SESSION_LIMITS, type SessionFault, type SessionLimits } from './http2-sessions.ts';
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
const NOTHING = Buffer.alloc(0);

/**
 * Has an HTTP server speak HTTP/2 on the same port: over TLS with clients that choose `h2` by ALPN, which the server has
 * to offer (`ALPNProtocols: ['h2', 'http/1.1']`), and over plain TCP with those that begin with the preface of HTTP/2. All
 * others are served as before. To be called before the server listens, and before others listen to its connections.
 */
export function withHttp2(server: Server, options: Http2Options = {}): Http2Side {
  const { maxHeaderListSize = 16_384, maxHeaderFields = 105, onFault = () => {}, ...limits } = options;
  const { requestTimeout } = server;
  const sessionLimits: SessionLimits = { ...SESSION_LIMITS, requestTimeout, ...limits };
  const http2 = createServer({
    maxHeaderListPairs: maxHeaderFields,
    settings: { maxConcurrentStreams: sessionLimits.maxStreams, maxHeaderListSize },
  } satisfies ServerOptions);
  const sessions = new Http2Sessions(http2, sessionLimits, onFault);
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
    http2.emit('connection', socket);
  };
  server.on(event, (socket: Socket) => {
    if (isSecure(socket)) {
      if ((socket as TLSSocket).alpnProtocol === 'h2') toHttp2(socket);
      else toHttp1(socket);
    } else {
      undecided.add(socket);
      decide(socket, server.headersTimeout, (isHttp2) => {
        undecided.delete(socket);
        if (isHttp2 === undefined) return;
        if (isHttp2) toHttp2(socket);
        else toHttp1(socket);
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

/**
 * Looks at what a socket begins with, and leaves it there.
 * @param timeout milliseconds for enough to come; then the socket is cut off
 * @param done told whether it is HTTP/2; undefined where the socket has gone
 */
function decide(socket: Socket, timeout: number, done: (isHttp2: boolean | undefined) => void): void {
  let seen: Buffer = NOTHING;
  const finish = (isHttp2: boolean | undefined): void => {
    socket.off('readable', look).off('end', onEnd).off('close', onClose).off('error', ignore).off('timeout', onEnd);
    socket.setTimeout(0);
    if (seen.length > 0) socket.unshift(seen);
    done(isHttp2);
  };
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const isLike = seen.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, seen.length));
    if (!isLike || seen.length >= TELLING_BYTES) finish(isLike);
  };
  const onClose = (): void => finish(undefined);
  const onEnd = (): void => void socket.destroy();
  socket.on('readable', look).on('end', onEnd).on('close', onClose).on('error', ignore);
  socket.on('timeout', onEnd).setTimeout(timeout);
}

function ignore(): void {}
