import type { ConnectionHandlers, MessageKind } from '../../connection/connection.ts';
import { UsageError } from '../../connection/errors.ts';
import type { HeadersInput } from '../../handshake/header-input.ts';
import type { DeflateProvider } from '../../protocol/platform.ts';
import {
  type ConnectionLimits,
  type DataOf,
  checkOneOf,
  checkOptionNames,
  checkTime,
  DEFAULT_CONNECTION_LIMITS,
  type ReceiveMode,
  type Resolved,
  resolveConnectionLimits,
} from '../connection-limits.ts';
import type { DeflateOptions } from '../deflate/options.ts';
import { NodeDeflateProvider } from '../deflate/provider.ts';
import type { HttpVersion } from '../http-version.ts';
import type { ClientConnection, OpeningAnswer } from './client-connection.ts';
import type { ClientSocketOptions, ClientTlsOptions } from './dial.ts';
import { HTTP_OPTION_NAMES, type HttpOptions, type HttpSettings, resolveHttpSettings } from './http-options.ts';
import type { Trace } from './trace.ts';

/** The limits of a client. All times are in milliseconds; 0 switches a time limit off. */
export interface ClientLimits extends ConnectionLimits {
  /**
   * Time for everything up to the server's last answer: names, TCP, TLS, proxies, redirects, credentials. What `retries`
   * wait for is not counted, and each of them has the whole of it again. Default 10,000.
   */
  readonly handshakeTimeout?: number;
}

/** Which HTTP opens the connection, and carries it. */
export type HttpVersionChoice = 'auto' | HttpVersion;

/** How a client opens a connection, apart from what it does with it. */
export interface OpeningOptions extends ClientLimits, HttpOptions {
  /** What the client prefers first; each named once. */
  readonly subprotocols?: readonly string[];
  /** Fail where subprotocols were asked for and the server chose none, as browsers do. Default false. */
  readonly requireSubprotocol?: boolean;
  /** Further headers of the request, such as `Authorization` and `Cookie`. */
  readonly headers?: HeadersInput;
  /** The value of Origin. Default: none, as clients without pages have it. */
  readonly origin?: string;
  /** permessage-deflate: `true` for the defaults. Default off. */
  readonly compression?: boolean | DeflateOptions;
  /** TLS, for `wss:`: as `tls.connect` takes it (`ca`, `cert`, `key`, `servername`, `rejectUnauthorized`). */
  readonly tls?: ClientTlsOptions;
  /** TCP: `family`, `localAddress`, `lookup` and others, as `net.connect` takes them. */
  readonly socket?: ClientSocketOptions;
  /** Connect to this Unix socket; the URL then says Host and path only. */
  readonly socketPath?: string;
  /**
   * `1.1`: each connection has a network connection of its own. `2`: they share one to each server (RFC 8441), and fail
   * where it offers none; over `ws:` the server is taken to speak HTTP/2 ("prior knowledge"). `auto`: as `2` over
   * `wss:` where the server offers it, else as `1.1`. Default `1.1`: one lost packet holds up one connection and not
   * all, and a server that has HTTP/2 but no WebSocket over it would have to be connected to twice.
   */
  readonly httpVersion?: HttpVersionChoice;
  /** Is told both handshakes, as they are on the wire, and every frame. For finding faults: it costs time. */
  readonly trace?: Trace;
}

/** What {@link connect} takes. Everything may be left out. */
export interface ConnectOptions<Context = undefined, Receive extends ReceiveMode = 'owned'>
  extends OpeningOptions,
    Omit<ConnectionHandlers<Context, ClientConnection<Context>>, 'open' | 'message'> {
  /** Gives up the handshake: the promise rejects with the signal's reason. Without effect on an open connection. */
  readonly signal?: AbortSignal;

  /** What `connection.context` is from the start. */
  readonly context?: Context;

  /**
   * `owned`: the message handler gets a string or a copy, to keep. `borrowed`: it gets bytes (text too) that are only
   * valid until it returns, uncopied, and not to be changed. Default `owned`.
   */
  readonly receive?: Receive;

  /** The handshake is done; called before the promise resolves. The connection does not keep the answer. */
  open?(connection: ClientConnection<Context>, answer: OpeningAnswer): unknown;

  /** A whole message. An error thrown here, or a rejected promise, closes the connection with 1011. */
  message?(connection: ClientConnection<Context>, data: DataOf<Receive>, kind: MessageKind): unknown;
}

export type ResolvedClientLimits = Resolved<ClientLimits>;

/** How to open a connection, checked. */
export interface ClientSettings {
  readonly limits: ResolvedClientLimits;
  readonly subprotocols: readonly string[];
  readonly requireSubprotocol: boolean;
  readonly headers: HeadersInput | undefined;
  readonly origin: string | undefined;
  readonly deflate: DeflateProvider | null;
  readonly tls: ClientTlsOptions;
  readonly socket: ClientSocketOptions;
  readonly trace: Trace | undefined;
  readonly httpVersion: HttpVersionChoice;
  readonly http: HttpSettings;
}

const DEFAULT_LIMITS: ResolvedClientLimits = { ...DEFAULT_CONNECTION_LIMITS, handshakeTimeout: 10_000 };

const HANDLERS = ['open', 'message', 'drain', 'ping', 'pong', 'close', 'error', 'trace'];
const OPENING = [
  ...Object.keys(DEFAULT_LIMITS),
  'subprotocols',
  'requireSubprotocol',
  'headers',
  'origin',
  'compression',
  'tls',
  'socket',
  'socketPath',
  'trace',
  'httpVersion',
  ...HTTP_OPTION_NAMES,
];
const NAMES: ReadonlySet<string> = new Set([...OPENING, ...HANDLERS, 'signal', 'context', 'receive']);

/** Fills in the defaults and checks every option, once. @throws UsageError `PB_OPTION_INVALID`; HandshakeUsageError */
export function resolveSettings(options: OpeningOptions, names: ReadonlySet<string> = NAMES): ClientSettings {
  checkKind('options', options, 'object');
  checkOptionNames(options, names, HANDLERS);
  const {
    subprotocols = [],
    requireSubprotocol = false,
    origin,
    tls = {},
    socket = {},
    trace,
    httpVersion = '1.1',
  } = options;
  const limits = resolveConnectionLimits(options, DEFAULT_LIMITS);
  checkTime(limits, 'handshakeTimeout');
  if (!Array.isArray(subprotocols)) {
    throw new UsageError('PB_OPTION_INVALID', `subprotocols is ${String(subprotocols)}: pass a list of strings`);
  }
  checkKind('headers', options.headers, 'object');
  checkKind('tls', tls, 'object');
  checkKind('socket', socket, 'object');
  checkKind('origin', origin, 'string');
  checkKind('requireSubprotocol', requireSubprotocol, 'boolean');
  checkOneOf({ httpVersion }, 'httpVersion', ['auto', '1.1', '2']);
  return {
    limits,
    subprotocols,
    requireSubprotocol,
    headers: options.headers,
    origin,
    deflate: deflateProvider(options.compression),
    tls,
    socket,
    trace,
    httpVersion,
    http: resolveHttpSettings(options),
  };
}

/** @throws UsageError `PB_OPTION_INVALID` where it is given, and is not of that type */
export function checkKind(name: string, value: unknown, kind: 'object' | 'string' | 'boolean'): void {
  if (value === undefined || (typeof value === kind && value !== null)) return;
  const article = kind === 'object' ? 'an' : 'a';
  throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass ${article} ${kind}`);
}

/** The defaults need no more than one for the process. */
let defaultDeflate: DeflateProvider | undefined;

function deflateProvider(compression: boolean | DeflateOptions | undefined): DeflateProvider | null {
  if (compression === undefined || compression === false) return null;
  if (compression !== true) return new NodeDeflateProvider(compression);
  return (defaultDeflate ??= new NodeDeflateProvider());
}
