import { Failure } from '../failure.ts';

/** Where the load goes: by WebSocket, and by HTTP to the same place. */
export interface Target {
  /** As it was given, for messages; without userinfo. */
  readonly url: string;
  /** For `connect`. It has the userinfo, and no path of a socket. */
  readonly socketUrl: string;
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** The path of a Unix socket, in place of host and port. */
  readonly socketPath: string | undefined;
  /** Path and query. */
  readonly path: string;
  /** `name:password`, where the URL has them (RFC 7617). */
  readonly auth: string | undefined;
}

const SECURE: Readonly<Record<string, boolean>> = {
  'ws:': false,
  'wss:': true,
  'http:': false,
  'https:': true,
  'ws+unix:': false,
  'wss+unix:': true,
};

/**
 * @param text a whole URL
 * @param unix the path of a Unix socket
 * @throws Failure where it is no URL of a WebSocket
 */
export function readTarget(text: string, unix: string | undefined): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const secure = url === undefined ? undefined : SECURE[url.protocol];
  if (url === undefined || secure === undefined) {
    throw new Failure(`${text} is no URL of a WebSocket: give one such as ws://localhost:8080/echo`, 2);
  }
  if (text.includes('#')) {
    throw new Failure(`${text} has a fragment, which the URL of a WebSocket cannot have (RFC 6455 §3): # is %23`, 2);
  }
  const { username, password } = url;
  const auth = username === '' && password === '' ? undefined : `${decode(username)}:${decode(password)}`;
  const place = url.protocol.endsWith('+unix:') ? inUnixUrl(url, text) : { socketPath: unix, path: url.pathname };
  const host = url.host === '' ? 'localhost' : url.host;
  const path = place.path + url.search;
  const userinfo = auth === undefined ? '' : `${username}:${password}@`;
  const scheme = secure ? 'wss' : 'ws';
  url.username = url.password = '';
  return {
    url: place.socketPath === undefined || place.socketPath === unix ? `${scheme}://${host}${path}` : text,
    socketUrl: `${scheme}://${userinfo}${host}${path}`,
    secure,
    hostname: url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    socketPath: place.socketPath,
    path,
    auth,
  };
}

/** The same place under another path. */
export function withPath(target: Target, path: string): Target {
  return { ...target, path, url: `${originOf(target)}${path}` };
}

/** As a URL of HTTP, for messages. */
export function httpUrl(target: Target): string {
  return `${originOf(target)}${target.path}`;
}

function originOf({ secure, hostname, port }: Target): string {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  return `${secure ? 'https' : 'http'}://${host}${port === (secure ? 443 : 80) ? '' : `:${port}`}`;
}

/** `ws+unix:/run/app.sock:/path` */
function inUnixUrl(url: URL, text: string): { socketPath: string; path: string } {
  const [socketPath = '', ...rest] = url.pathname.split(':');
  if (socketPath === '' || socketPath === '/') {
    throw new Failure(`${text} lacks the path of a socket: give one such as ws+unix:/run/app.sock:/echo`, 2);
  }
  const path = rest.join(':');
  return { socketPath: decode(socketPath), path: path.startsWith('/') ? path : `/${path}` };
}

/** A percent sign that encodes nothing stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
