import { OpeningFailure } from './opening-failure.ts';
import { type ClientTarget, parseTarget } from './target.ts';

/** Redirects that are followed. */
export interface RedirectOptions {
  /** Most of them for one connection. Default 5. */
  readonly max?: number;
  /** Follow also those that lead from wss: to ws:, where everybody on the way can read along. Default false. */
  readonly allowDowngrade?: boolean;
}

/** Statuses that say where to go instead with the same request (RFC 9110 §15.4). */
export const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where a redirect leads. */
export interface Redirect {
  readonly target: ClientTarget;
  /** The same scheme, host and port: what was for the one is for the other, too (RFC 9110 §4.3.1). */
  readonly isSameOrigin: boolean;
}

/**
 * Resolves Location against the address that was asked for (RFC 9110 §10.2.2). What it has of userinfo is dropped: a
 * server does not choose the credentials; and so is a fragment, which no WebSocket address has. Two that differ lead
 * nowhere: who followed one of them would be led elsewhere than others.
 * @throws OpeningFailure `PB_REDIRECT_INVALID` or `PB_REDIRECT_DOWNGRADE`
 */
export function followRedirect(from: ClientTarget, locations: readonly string[], allowDowngrade: boolean): Redirect {
  const { uri } = from;
  const [location, ...others] = new Set(locations);
  const base = `${uri.secure ? 'https' : 'http'}://${uri.host}:${uri.port}${uri.resourceName}`;
  const url = location === undefined || others.length > 0 ? null : tryParse(withHttp(encoded(location)), base);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new OpeningFailure('PB_REDIRECT_INVALID');
  }
  url.username = url.password = url.hash = '';
  const isSameOrigin = url.origin === new URL(base).origin;
  if (uri.secure && url.protocol === 'http:' && !allowDowngrade) throw new OpeningFailure('PB_REDIRECT_DOWNGRADE');
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const text = url.href.replace(/#$/, '');
  // An address of a socket says nothing of its own about where it is: the next request on it goes to the same socket.
  return { target: parseTarget(text, isSameOrigin ? from.socketPath : undefined), isSameOrigin };
}

/** ws: and wss: addresses as the http: and https: ones that they stand for: origins are those. */
function withHttp(location: string): string {
  return location.replace(/^ws(s?):/i, 'http$1:');
}

/** Bytes beyond ASCII stay the bytes that they are, whatever they were meant to be. */
function encoded(location: string): string {
  return location.replaceAll(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** `https://host:port`, as the origins of servers are told to the application. */
export function originOf({ uri }: ClientTarget): string {
  return new URL(`${uri.secure ? 'https' : 'http'}://${uri.host}:${uri.port}`).origin;
}

function tryParse(text: string, base: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
