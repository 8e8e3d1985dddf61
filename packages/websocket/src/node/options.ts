import { totalmem } from 'node:os';
import type { ConnectionHandlers, MessageKind } from '../connection/connection.ts';
import type { OriginPolicyOptions } from '../handshake/origin.ts';
import {
  type ConnectionLimits,
  type DataOf,
  checkOneOf,
  checkOptionNames,
  checkTime,
  checkWhole,
  DEFAULT_CONNECTION_LIMITS,
  type ReceiveMode,
  type Resolved,
  resolveConnectionLimits,
} from './connection-limits.ts';
import type { DeflateOptions } from './deflate/options.ts';
import type { Authorization, HandshakeEvent, OpeningRequest, RefusedEvent } from './opening.ts';
import type { TrustedProxiesOptions } from './trusted-proxies.ts';
import type { ServerConnection } from './server-connection.ts';

/** The limits of a server. All times are in milliseconds; 0 switches a time limit off. */
export interface ServerLimits extends ConnectionLimits {
  /** Time for `authorize`. Default 10,000. */
  readonly authorizeTimeout?: number;
  /** Most open connections of the server. Default 15,000. */
  readonly maxConnections?: number;
  /** Most open connections for each entry of `path`. Default: no limit. */
  readonly maxConnectionsPerPath?: number;
  /** Most open connections from one IP address. Default: no limit. */
  readonly maxConnectionsPerAddress?: number;
  /**
   * How a connection over a limit is answered: `refuse` with 503 and Retry-After, or accept and `close` with 1013,
   * which a page in a browser can see. Default `refuse`.
   */
  readonly overCapacity?: 'refuse' | 'close';
  /** Seconds that a refused client is told to wait. Default 5. */
  readonly retryAfter?: number;
  /**
   * Most bytes that all connections of the process may hold in buffers; above it new ones get 503. Default: a quarter
   * of the machine's memory.
   */
  readonly maxBufferedBytes?: number;
}

/** What a {@link WebSocketServer} is made with. Everything may be left out. */
export interface ServerOptions<Context = unknown, Receive extends ReceiveMode = 'owned'>
  extends ServerLimits,
    OriginPolicyOptions,
    Omit<ConnectionHandlers<Context, ServerConnection<Context>>, 'open' | 'message'> {
  /**
   * Path or paths that this server answers, exact or as URI templates: `/chat`, `/rooms/{id}`. Without it, every path
   * that no other server on the same HTTP server has.
   */
  readonly path?: string | readonly string[];

  /**
   * Decides on a handshake that conforms: returns (or resolves with) nothing to accept it, an {@link Acceptance} to
   * set the connection's context, subprotocol or headers, or a {@link Refusal}.
   */
  authorize?(request: OpeningRequest): Authorization<Context> | Promise<Authorization<Context>>;

  /**
   * Subprotocols that the server speaks, in any order. The first of the client's list that is among them is agreed on;
   * where there is none, the connection is opened without. `authorize` can decide otherwise.
   */
  readonly subprotocols?: readonly string[];

  /**
   * Proxies in front that are believed when they say who a client is: by `Forwarded`, by `X-Forwarded-*`, or by the
   * PROXY protocol. Caps, logs, counts and the policy of origins then go by the client. Default: nobody is believed.
   */
  readonly trustedProxies?: TrustedProxiesOptions;

  /**
   * Who may ask, by a request header `Pulse-Trace`, for the steps of the decision on its handshake: the answer then has
   * them, in headers of the same name. What they say is not for everybody. Default: nobody may.
   */
  trace?(request: OpeningRequest): boolean;

  /** permessage-deflate: `true` for the defaults. Default off. */
  readonly compression?: boolean | DeflateOptions;

  /**
   * WebSockets over HTTP/2 (RFC 8441), too. On a server of somebody else `false` where another path of it has WebSockets
   * that come over HTTP/1.1 alone: browsers take the announcement as a promise for the whole origin. Default `true`.
   */
  readonly http2?: boolean;

  /**
   * `owned`: the message handler gets a string or a copy, to keep. `borrowed`: it gets bytes (text too) that are only
   * valid until it returns, uncopied, and not to be changed. Default `owned`.
   */
  readonly receive?: Receive;

  /** The handshake is done. `request` is what opened it; the connection does not keep it. */
  open?(connection: ServerConnection<Context>, request: OpeningRequest): unknown;

  /** A whole message. An error thrown here, or a rejected promise, closes the connection with 1011. */
  message?(connection: ServerConnection<Context>, data: DataOf<Receive>, kind: MessageKind): unknown;

  /** A handshake was refused: for the log. */
  refused?(event: RefusedEvent): unknown;

  /** A handshake was accepted or refused: for a log that has a line for each. */
  handshake?(event: HandshakeEvent): unknown;
}

/** The limits with every default filled in. */
export type ResolvedLimits = Resolved<ServerLimits>;

const DEFAULT_LIMITS: ResolvedLimits = {
  ...DEFAULT_CONNECTION_LIMITS,
  authorizeTimeout: 10_000,
  maxConnections: 15_000,
  maxConnectionsPerPath: Infinity,
  maxConnectionsPerAddress: Infinity,
  overCapacity: 'refuse',
  retryAfter: 5,
  // Of what a container may have, where there is less than the machine has.
  maxBufferedBytes: Math.floor(Math.min(process.constrainedMemory() || Infinity, totalmem()) / 4),
};

const HANDLERS = [
  'authorize',
  'trace',
  'open',
  'message',
  'drain',
  'ping',
  'pong',
  'close',
  'error',
  'refused',
  'handshake',
];
const OTHERS = [
  'trustedProxies',
  'path',
  'subprotocols',
  'compression',
  'http2',
  'receive',
  'publicUrl',
  'allowedOrigins',
  'missingOrigin',
];
const NAMES: ReadonlySet<string> = new Set([...Object.keys(DEFAULT_LIMITS), ...HANDLERS, ...OTHERS]);

/** A limit that is misspelt would be no limit. @throws UsageError `PB_OPTION_INVALID` */
export function checkNames(options: object): void {
  checkOptionNames(options, NAMES, HANDLERS);
}

/** Fills in the defaults and checks every limit, once. @throws UsageError `PB_OPTION_INVALID` */
export function resolveLimits(options: ServerLimits): ResolvedLimits {
  const limits = resolveConnectionLimits(options, DEFAULT_LIMITS);
  checkTime(limits, 'authorizeTimeout');
  checkWhole(limits, 'maxConnections', 0, Infinity);
  checkWhole(limits, 'maxConnectionsPerPath', 0, Infinity);
  checkWhole(limits, 'maxConnectionsPerAddress', 0, Infinity);
  checkOneOf(limits, 'overCapacity', ['refuse', 'close']);
  checkWhole(limits, 'retryAfter', 0, 2 ** 31);
  checkWhole(limits, 'maxBufferedBytes', 1, Infinity);
  return limits;
}
