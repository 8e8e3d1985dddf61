import { isIPv6 } from 'node:net';

/** One place to listen at, as `--listen` says it. */
export interface ListenTarget {
  /** Undefined: with TLS where there is a certificate. */
  readonly scheme: 'http' | 'https' | undefined;
  readonly where: TcpPlace | UnixPlace;
}

export interface TcpPlace {
  readonly kind: 'tcp';
  /** A name or an address, an IPv6 address without brackets. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

export interface UnixPlace {
  readonly kind: 'unix';
  readonly path: string;
}

/** What a listening address looks like, for messages. */
export const LISTEN_FORMS = '8080, 0.0.0.0:8080, [::1]:8080, https://0.0.0.0:8443 or unix:/run/pulsebeacon.sock';

/** Whether `text` is a port number, 0 included. */
export function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

/**
 * Reads `port`, `host:port`, `[address]:port` (each with `http://` or `https://` before it, if need be) or `unix:path`.
 * @param defaultHost where only a port is given
 * @returns what is wrong, where it cannot be read
 */
export function parseListenTarget(text: string, defaultHost = '127.0.0.1'): ListenTarget | string {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return path === ''
      ? 'after unix: comes the path of the socket'
      : { scheme: undefined, where: { kind: 'unix', path } };
  }
  const match = /^(?:(https?):\/\/)?(?:(\[[^\]]*\]|[^:/[\]]*):)?([^:/]*)\/?$/i.exec(text);
  if (match === null) {
    return isIPv6(text) ? `an IPv6 address stands in brackets: [${text}]:8080` : `it looks like ${LISTEN_FORMS}`;
  }
  const [, scheme, givenHost, portText = ''] = match;
  const port = parsePort(portText);
  if (port === undefined) return `it lacks a port from 0 to 65535; it looks like ${LISTEN_FORMS}`;
  const host = givenHost === undefined ? defaultHost : givenHost.replace(/^\[|\]$/g, '');
  if (host === '' || (givenHost?.startsWith('[') && !isIPv6(host))) {
    return `it lacks a host before the port; it looks like ${LISTEN_FORMS}`;
  }
  return {
    scheme: scheme === undefined ? undefined : (scheme.toLowerCase() as 'http' | 'https'),
    where: { kind: 'tcp', host, port },
  };
}

/** A host as it stands in a URL: an IPv6 address in brackets. */
export function urlHost(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** A place as people write it. */
export function describePlace(where: TcpPlace | UnixPlace): string {
  return where.kind === 'unix' ? where.path : `${urlHost(where.host)}:${where.port}`;
}
