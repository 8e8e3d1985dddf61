import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type Http2Side, type SessionFault, withHttp2 } from '@pulsebeacon/websocket';
import type { Log } from '../log/log.ts';
import type { GatewayLimits } from '../settings.ts';
import { type Certificate, tlsOptions } from '../tls.ts';
import { answerClientError } from './client-errors.ts';

/** Plain requests that may be under way while every WebSocket is taken. */
const SPARE_CONNECTIONS = 1024;

/** A listener, and its HTTP/2. */
export interface HttpServer {
  readonly server: Server;
  /** Undefined where it speaks HTTP/1.1 alone. */
  readonly http2: Http2Side | undefined;
}

/** An HTTP server with the deadlines and limits that hold for every listener. It does not listen yet. */
export function createHttpServer(
  handle: RequestListener,
  limits: GatewayLimits,
  certificate: Certificate | undefined,
  hasHttp2: boolean,
  log: Log,
): HttpServer {
  const { headerTimeout, requestTimeout, maxConnections } = limits;
  const options: ServerOptions = {
    headersTimeout: headerTimeout,
    requestTimeout: Math.max(requestTimeout, headerTimeout),
    // How late a deadline may be noticed.
    connectionsCheckingInterval: Math.min(2000, Math.ceil(headerTimeout / 4)),
    maxHeaderSize: 16_384,
    // Node would answer without a word; the router says what is wrong.
    requireHostHeader: false,
  };
  const server =
    certificate === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...tlsOptions(certificate, hasHttp2) });
  // 16 KiB hold so many that Node need not count: it would drop the rest in silence, or without a word to the client.
  // The router and the handshake say that 100 fields are enough.
  server.maxHeadersCount = 0;
  if (maxConnections !== Infinity) server.maxConnections = maxConnections + SPARE_CONNECTIONS;
  server.on('request', handle);
  server.on('clientError', (error, socket) => {
    log.debug(`a client sent what is no request: ${error.message}`, { code: (error as NodeJS.ErrnoException).code });
    answerClientError(error, socket);
  });
  server.on('tlsClientError', (error: Error) => log.debug(`a TLS handshake failed: ${error.message}`));
  server.on('drop', () =>
    log.limited('PB_CONNECTIONS', `a connection was dropped: ${server.maxConnections} are open (--max-connections)`),
  );
  return { server, http2: hasHttp2 ? addHttp2(server, handle, log) : undefined };
}

function addHttp2(server: Server, handle: RequestListener, log: Log): Http2Side {
  const side = withHttp2(server, {
    onFault: (fault, session) =>
      log.limited('PB_HTTP2_FLOOD', `a session of HTTP/2 was ended for too many ${FAULTS[fault]}`, {
        peer: session.socket?.remoteAddress,
      }),
  });
  side.server.on('request', handle as never);
  side.server.on('sessionError', (error: NodeJS.ErrnoException) =>
    log.debug(`a session of HTTP/2 failed: ${error.message}`, { code: error.code }),
  );
  return side;
}

const FAULTS: Readonly<Record<SessionFault, string>> = {
  resets: 'streams that the client reset',
  'control-frames': 'PING and SETTINGS frames',
};
