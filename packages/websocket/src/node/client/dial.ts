import { connect as connectTcp, isIP, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { UsageError } from '../../connection/errors.ts';
import type { ClientTarget } from './target.ts';

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

/**
 * Begins to connect. Where a name has addresses of both families, they are tried in turn without waiting for each to
 * fail (RFC 8305, "Happy Eyeballs", as Node has it).
 * @throws UsageError `PB_OPTION_INVALID` for what Node does not take, such as a certificate that is none
 */
export function dial(
  { uri, socketPath }: ClientTarget,
  socketOptions: ClientSocketOptions,
  tls: ClientTlsOptions,
): Dialled {
  const host = uri.host.startsWith('[') ? uri.host.slice(1, -1) : uri.host;
  const where =
    socketPath === undefined
      ? { autoSelectFamily: true, ...socketOptions, host, port: uri.port, noDelay: true }
      : { path: socketPath };
  try {
    if (!uri.secure) return { socket: connectTcp({ ...where, allowHalfOpen: true }), ready: 'connect' };
    // A server that has HTTP/2 too must not choose it: what follows is HTTP/1.1 (RFC 7301).
    const alpn = { ALPNProtocols: ['http/1.1'] };
    // RFC 6066 §3: a name, never an address.
    const servername = isIP(host) === 0 ? host : '';
    return { socket: connectTls({ servername, ...tls, ...where, ...alpn }), ready: 'secureConnect' };
  } catch (error) {
    const options = uri.secure ? '`tls` or `socket`' : '`socket`';
    throw new UsageError('PB_OPTION_INVALID', `the options ${options} cannot be used: ${(error as Error).message}`);
  }
}
