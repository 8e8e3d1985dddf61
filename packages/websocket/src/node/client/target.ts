import { UsageError } from '../../connection/errors.ts';
import { HandshakeUsageError } from '../../handshake/usage-error.ts';
import type { WebSocketUri } from '../../handshake/websocket-uri.ts';
import { maskUrl, withoutUserinfo } from '../masked-urls.ts';
import { percentDecode } from '../percent-decode.ts';
import { type Credentials, userinfoOf } from './authentication/credentials.ts';

/** Where a client connects to. */
export interface ClientTarget {
  /** As it was given, but serialised, without userinfo: for messages. */
  readonly url: string;
  readonly uri: WebSocketUri;
  /** The path of a Unix socket, instead of host and port. */
  readonly socketPath: string | undefined;
  /** The name and the password that the URL had. */
  readonly userinfo: Credentials | undefined;
}

const SCHEMES: Readonly<Record<string, { readonly scheme: 'ws' | 'wss'; readonly isUnix: boolean }>> = {
  'ws:': { scheme: 'ws', isUnix: false },
  'wss:': { scheme: 'wss', isUnix: false },
  'http:': { scheme: 'ws', isUnix: false },
  'https:': { scheme: 'wss', isUnix: false },
  'ws+unix:': { scheme: 'ws', isUnix: true },
  'wss+unix:': { scheme: 'wss', isUnix: true },
};

/**
 * Reads where to connect to: `ws:` and `wss:` (RFC 6455 §3), `http:` and `https:` as their equals, and a Unix socket as
 * `ws+unix:/path/of/socket:/path?query`.
 *
 * @throws {HandshakeUsageError} `PB_URI_INVALID`
 * @throws {UsageError} `PB_OPTION_INVALID` for a path that can be none
 */
export function parseTarget(given: string | URL, socketPath?: string): ClientTarget {
  const text = String(given);
  const url = URL.parse?.(text) ?? tryParse(text);
  if (url === null)
    throw new HandshakeUsageError('PB_URI_INVALID', maskUrl(text), 'it must be absolute, such as ws://host/path');
  if (socketPath === '' || socketPath?.includes('\0')) {
    throw new UsageError('PB_OPTION_INVALID', 'socketPath is empty, or has a NUL in it: pass the path of a socket');
  }
  const known = Object.hasOwn(SCHEMES, url.protocol) ? SCHEMES[url.protocol] : undefined;
  if (known === undefined) {
    throw new HandshakeUsageError(
      'PB_URI_INVALID',
      maskUrl(text),
      `${url.protocol} is none of ${Object.keys(SCHEMES).join(' ')}`,
    );
  }
  if (text.includes('#')) {
    throw new HandshakeUsageError(
      'PB_URI_INVALID',
      withoutUserinfo(text),
      'it has no fragment; # is written %23 (RFC 6455 §3)',
    );
  }
  const secure = known.scheme === 'wss';
  const userinfo = userinfoOf(url);
  url.username = url.password = '';
  if (known.isUnix) return { ...unixTarget(url, text, secure), userinfo };
  const port = url.port === '' ? defaultPortOf(secure) : Number(url.port);
  const uri = { secure, host: url.hostname, port, resourceName: url.pathname + url.search };
  return { url: `${known.scheme}://${url.host}${uri.resourceName}`, uri, socketPath, userinfo };
}

function defaultPortOf(secure: boolean): number {
  return secure ? 443 : 80;
}

function tryParse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** The colon ends the path of the socket, as everywhere where such URLs are used. */
function unixTarget(url: URL, text: string, secure: boolean): Omit<ClientTarget, 'userinfo'> {
  const [encoded = '', ...rest] = url.pathname.split(':');
  const path = percentDecode(encoded);
  // A NUL would end the path for the operating system, and a host would be no part of it.
  if (path === '' || path === '/' || path.includes('\0') || url.host !== '') {
    throw new HandshakeUsageError(
      'PB_URI_INVALID',
      maskUrl(text),
      'it needs the path of a socket: ws+unix:/run/app.sock:/chat',
    );
  }
  const resource = rest.join(':');
  const resourceName = (resource.startsWith('/') ? resource : `/${resource}`) + url.search;
  return {
    url: url.href,
    uri: { secure, host: 'localhost', port: defaultPortOf(secure), resourceName },
    socketPath: path,
  };
}
