import type { BackoffOptions } from './backoff.ts';
import { BeaconError } from './errors.ts';
import { type Credentials, type FetchFunction, type FetchLike, globals, type SocketClass } from './platform.ts';
import { isTransportName, TRANSPORTS, type TransportName } from './transports/transport.ts';

/** How a {@link Beacon} connects. Times are in milliseconds. */
export interface BeaconOptions {
  /**
   * Who the client is, as in the header field Authorization: `Bearer …`. A function is asked for each connection, so that it
   * can give a token that has not expired.
   */
  readonly authorization?: string | (() => string | Promise<string>);
  /** The class of WebSockets. Default: the global one; Node has one from 22 on. Without it, HTTP serves. */
  readonly WebSocket?: SocketClass;
  /** Default: the global one. */
  readonly fetch?: FetchFunction;
  /** Whether cookies go along with requests, as for `fetch`. Default `same-origin`. */
  readonly credentials?: Credentials;
  /** Which ways are tried, the best first. Default: `websocket`, `ndjson`, `sse`, `poll`. */
  readonly transports?: readonly TransportName[];
  /** A way that has not opened after so long does not get through. Default 4,500. */
  readonly openTimeout?: number;
  /** After so long on a lesser way, the better ones are tried again; at least, and at most 10 minutes. Default 30,000. */
  readonly upgradeAfter?: number;
  /** How long it is remembered which way got through to an origin. Default 1 hour. */
  readonly rememberFor?: number;
  /** The longest wait of a long poll, in whole seconds. A dead network is noticed after 1.5 times that. Default 3,000. */
  readonly pollWait?: number;
  /** The longest first wait before coming back; it doubles from time to time. Default 500. */
  readonly backoffBase?: number;
  /** The longest of all waits. Default 30,000. */
  readonly backoffCap?: number;
  /** Most publications and questions without a reply. Default 1,000. */
  readonly maxQueued?: number;
  /** Most characters of these. Default 1 Mi. */
  readonly maxQueuedSize?: number;
}

type NumberName = {
  [Name in keyof BeaconOptions]-?: NonNullable<BeaconOptions[Name]> extends number ? Name : never;
}[keyof BeaconOptions];

/** Defaults, and least values. */
const NUMBERS: Readonly<Record<NumberName, readonly [initial: number, least: number]>> = {
  openTimeout: [4500, 1],
  upgradeAfter: [30_000, 1],
  rememberFor: [3_600_000, 0],
  pollWait: [3000, 1000],
  backoffBase: [500, 1],
  backoffCap: [30_000, 1],
  maxQueued: [1000, 1],
  maxQueuedSize: [1_048_576, 1],
};

export interface Settings extends Readonly<Record<NumberName, number>> {
  /** Of `/connect`, by http or https. */
  readonly url: string;
  /** Of that. */
  readonly origin: string;
  readonly authorization: BeaconOptions['authorization'];
  readonly WebSocket: SocketClass | undefined;
  readonly fetch: FetchLike;
  readonly credentials: Credentials;
  readonly ladder: readonly TransportName[];
  readonly backoff: BackoffOptions;
}

/** @throws {BeaconError} `PB_CLIENT_OPTION` */
export function resolveOptions(url: string, options: BeaconOptions): Settings {
  const { authorization, WebSocket = globals.WebSocket, credentials = 'same-origin' } = options;
  const fetch = (options.fetch ?? globals.fetch) as FetchLike | undefined;
  if (fetch === undefined) throw invalid('there is no fetch here: pass one');
  const [href, origin] = connectUrl(url);
  const settings = {
    url: href,
    origin,
    authorization,
    WebSocket,
    // Browsers want it called as a function of the window.
    fetch: (target, request) => fetch(target, request),
    credentials,
    ladder: ladderOf(options.transports, WebSocket !== undefined),
  } as { -readonly [Name in keyof Settings]: Settings[Name] };
  for (const [name, [initial, least]] of Object.entries(NUMBERS) as [NumberName, readonly [number, number]][]) {
    const value = options[name] ?? initial;
    if (!(value >= least && value < 2 ** 31)) {
      throw invalid(`${name} is ${String(value)}: pass a number from ${least} to 2^31 - 1`);
    }
    settings[name] = value;
  }
  settings.backoff = { base: settings.backoffBase, cap: settings.backoffCap };
  return settings;
}

function ladderOf(wanted: readonly TransportName[] = TRANSPORTS, hasWebSocket: boolean): readonly TransportName[] {
  const unknown = wanted.find((name) => !isTransportName(name));
  if (unknown !== undefined) throw invalid(`there is no transport ${String(unknown)}: ${TRANSPORTS.join(', ')}`);
  const ladder = wanted.filter((name) => hasWebSocket || name !== 'websocket');
  if (ladder.length === 0) throw invalid('no transport is left: without a WebSocket class, allow another');
  return ladder;
}

/**
 * `https://host/live` is `https://host/live/connect`; relative URLs are those of the page. It is taken apart as text:
 * whatever is set of a URL has all of it parsed again.
 */
function connectUrl(text: string): readonly [url: string, origin: string] {
  try {
    const url = new globals.URL(text, globals.document?.baseURI ?? globals.location?.href);
    const [, scheme, authority, path, query = ''] = HTTP_URL.exec(url.href)!;
    const whole = scheme! + authority + path!.replace(/(?:\/connect|\/?)$/, '/connect') + query;
    return [`http${whole}`, `http${scheme! + url.host}`];
  } catch {
    throw invalid(`${JSON.stringify(text)} is no URL such as https://example.com`);
  }
}

/** As `URL.href` has it, up to its fragment. */
const HTTP_URL = /^(?:ws|http)(s?:\/\/)([^/]+)([^?#]*)(\?[^#]*)?/;

export const invalid = (detail: string): BeaconError => new BeaconError('PB_CLIENT_OPTION', detail);
