import { BROKEN_PERCENT, defaultPort, parseAuthority } from './authority.ts';
import { HandshakeUsageError } from './usage-error.ts';

/** The parts of a ws: or wss: URI (RFC 6455 §3). */
export interface WebSocketUri {
  /** Whether the scheme is wss. */
  readonly secure: boolean;
  /** In lower case; an IPv6 address in brackets. */
  readonly host: string;
  /** The given port, or 80 for ws and 443 for wss. */
  readonly port: number;
  /** Path and query as they go into the request line; the path is at least `/`. */
  readonly resourceName: string;
}

/** The scheme is compared without regard to case; userinfo is no part of these URIs. */
const WEBSOCKET_URI = /^(wss?):\/\/([^/?#]*)([^#]*)$/i;

/** `path-abempty [ "?" query ]` (RFC 3986 §3.3, §3.4), but for the triplets after percent signs. */
const PATH_AND_QUERY = /^(?:\/[\w.~!$&'()*+,;=:@%/-]*)?(?:\?[\w.~!$&'()*+,;=:@%/?-]*)?$/;

/**
 * Reads a ws: or wss: URI, strictly: what is not in it as ASCII and percent-encoded must be encoded before (§11.1).
 *
 * @throws {HandshakeUsageError} `PB_URI_INVALID`
 */
export function parseWebSocketUri(text: string): WebSocketUri {
  const match = WEBSOCKET_URI.exec(text);
  if (match === null) {
    throw new HandshakeUsageError(
      'PB_URI_INVALID',
      text,
      text.includes('#') ? 'it has no fragment; # is written %23' : '',
    );
  }
  const scheme = (match[1] as string).toLowerCase();
  const authority = parseAuthority(match[2] as string);
  if (authority === undefined)
    throw new HandshakeUsageError('PB_URI_INVALID', text, 'its authority is a host and a port');
  const rest = match[3] as string;
  if (!PATH_AND_QUERY.test(rest) || BROKEN_PERCENT.test(rest)) {
    throw new HandshakeUsageError('PB_URI_INVALID', text, 'its path and query must be percent-encoded');
  }
  return {
    secure: scheme === 'wss',
    host: authority.host,
    port: authority.port ?? (defaultPort(scheme) as number),
    // An empty query is no query: "?" stands only before a query component that is not empty.
    resourceName: `${rest.startsWith('/') ? '' : '/'}${rest.endsWith('?') && rest.indexOf('?') === rest.length - 1 ? rest.slice(0, -1) : rest}`,
  };
}

/** The value of Host: the port is left out where it is the scheme's default (RFC 6455 §4.1 item 4 of the request). */
export function hostField(uri: WebSocketUri): string {
  return uri.port === (uri.secure ? 443 : 80) ? uri.host : `${uri.host}:${uri.port}`;
}
