import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import {
  acceptProxied,
  HeaderFields,
  type Http2Side,
  type ProxyRefusedEvent,
  type SessionFault,
  type TrustedProxies,
  withHttp2,
} from '@pulsebeacon/websocket';
import type { Log } from '../log/log.ts';
import type { GatewayLimits } from '../settings.ts';
import { type Certificate, tlsOptions } from '../tls.ts';
import { answerClientError } from './client-errors.ts';

/** Plain requests that may be under way while every WebSocket is taken. */
const SPARE_CONNECTIONS = 1024;
const NO_FIELDS = new HeaderFields([]);

/** A listener, and its HTTP/2. */
export interface HttpServer {
  readonly server: Server;
  /** Undefined where it speaks HTTP/1.1 alone. */
  readonly http2: Http2Side | undefined;
  /** Cuts off those whose PROXY header has not come; undefined where none has to. */
  readonly cutWaiting: (() => void) | undefined;
}

export interface HttpServerParts {
  readonly handle: RequestListener;
  readonly limits: GatewayLimits;
  readonly certificate: Certificate | undefined;
  readonly hasHttp2: boolean;
  /** Each connection begins with the PROXY protocol, of these. */
  readonly proxied: TrustedProxies | undefined;
  readonly log: Log;
}

/** An HTTP server with the deadlines and limits that hold for every listener. It does not listen yet. */
export function createHttpServer({ handle, limits, certificate, hasHttp2, proxied, log }: HttpServerParts): HttpServer {
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
  const http2 = hasHttp2 ? addHttp2(server, handle, proxied, log) : undefined;
  // Last, for it comes first: TLS and HTTP begin behind the header of the proxy.
  const cutWaiting = proxied === undefined ? undefined : acceptProxied(server, proxied, onUnproxied(log));
  return { server, http2, cutWaiting };
}

function onUnproxied(log: Log): (event: ProxyRefusedEvent) => void {
  return ({ remoteAddress: peer, reason }) =>
    log.limited(
      'PB_PROXY_PROTOCOL',
      `a connection from ${peer ?? 'a Unix socket'} was cut off: ${reason} (--proxy-protocol, --trusted-proxy)`,
      { peer },
    );
}

function addHttp2(server: Server, handle: RequestListener, proxied: TrustedProxies | undefined, log: Log): Http2Side {
  const addressOf = ({ socket }: ServerHttp2Session): string | undefined =>
    proxied === undefined ? socket?.remoteAddress : proxied.sourceOf(socket, NO_FIELDS).remoteAddress;
  const side = withHttp2(server, {
    // Every WebSocket here is one of ours.
    readsHandshakes: true,
    onFault: (fault, session) =>
      log.limited('PB_HTTP2_FLOOD', `a session of HTTP/2 was ended for too many ${FAULTS[fault]}`, {
        peer: addressOf(session),
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
