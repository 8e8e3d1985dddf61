import { connect as connectTcp, isIP, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { UsageError } from '../../connection/errors.ts';

/** What can be chosen of the TCP connection. */
export type ClientSocketOptions = Pick<
  TcpSocketConnectOpts,
  'family' | 'hints' | 'localAddress' | 'localPort' | 'lookup' | 'autoSelectFamily' | 'autoSelectFamilyAttemptTimeout'
>;

/** What can be chosen of TLS: as `tls.connect` takes it, but for where to connect to. */
export type ClientTlsOptions = Omit<
  ConnectionOptions,
  'host' | 'port' | 'path' | 'socket' | 'ALPNProtocols' | 'timeout' | 'lookup'
>;

/** A connection on its way, and the event that says that it can be written to. */
export interface Dialled {
  readonly socket: Socket;
  readonly ready: 'connect' | 'secureConnect';
}

/** Where a network connection goes to. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** The path of a Unix socket, instead of host and port. */
  readonly socketPath?: string | undefined;
}

/** An IPv6 address without its brackets. */
function bareHost(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

/** A server that has HTTP/2 too must not choose it where what follows is HTTP/1.1 (RFC 7301). */
const ALPN = { ALPNProtocols: ['http/1.1'] };
/** What the server chooses is spoken. */
const ALPN_OF_BOTH = { ALPNProtocols: ['h2', 'http/1.1'] };

/**
 * Begins to connect. Where a name has addresses of both families, they are tried in turn without waiting for each to
 * fail (RFC 8305, "Happy Eyeballs", as Node has it).
 * @param offersHttp2 over TLS the server may choose HTTP/2
 * @throws UsageError `PB_OPTION_INVALID` for what Node does not take, such as a certificate that is none
 */
export function dial(
  place: Place,
  socketOptions: ClientSocketOptions,
  tls: ClientTlsOptions,
  offersHttp2: boolean,
): Dialled {
  const { secure, port, socketPath } = place;
  const host = bareHost(place.host);
  const where =
    socketPath === undefined
      ? { autoSelectFamily: true, ...socketOptions, host, port, noDelay: true }
      : { path: socketPath };
  return withUsageErrors(secure ? '`tls` or `socket`' : '`socket`', () =>
    secure
      ? {
          socket: connectTls({
            servername: serverName(host),
            ...guarded(tls),
            ...where,
            ...(offersHttp2 ? ALPN_OF_BOTH : ALPN),
          }),
          ready: 'secureConnect',
        }
      : { socket: connectTcp({ ...where, allowHalfOpen: true }), ready: 'connect' },
  );
}

/**
 * Begins TLS over a connection that is there: through the tunnel of a proxy.
 * @throws UsageError `PB_OPTION_INVALID` as {@link dial}
 */
export function dialOver(socket: Socket, place: Place, tls: ClientTlsOptions, offersHttp2: boolean): Dialled {
  const host = bareHost(place.host);
  // The certificate is to be that of the host, and not that of whoever carries the bytes.
  const alpn = offersHttp2 ? ALPN_OF_BOTH : ALPN;
  const options = { servername: serverName(host), host, ...guarded(tls), ...alpn, socket };
  return withUsageErrors('`tls`', () => ({ socket: connectTls(options), ready: 'secureConnect' }));
}

/** A check of the certificate that throws has failed: where Node calls it, there is nobody who would catch that. */
function guarded(tls: ClientTlsOptions): ClientTlsOptions {
  const check = tls.checkServerIdentity;
  if (typeof check !== 'function') return tls;
  const checkServerIdentity: typeof check = (...asked) => {
    try {
      return check(...asked);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  return { ...tls, checkServerIdentity };
}

/** RFC 6066 §3: a name, never an address. */
function serverName(host: string): string {
  return isIP(host) === 0 ? host : '';
}

function withUsageErrors(options: string, connect: () => Dialled): Dialled {
  try {
    return connect();
  } catch (error) {
    throw new UsageError('PB_OPTION_INVALID', `the options ${options} cannot be used: ${(error as Error).message}`);
  }
}
