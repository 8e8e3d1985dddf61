import { totalmem } from 'node:os';
import type { ConnectionHandlers, MessageKind } from '../connection/connection.ts';
import { UsageError } from '../connection/errors.ts';
import type { SlowConsumerPolicy } from '../connection/shared.ts';
import { DEFAULT_HEADER_LIMITS, type HeaderLimits } from '../handshake/header-fields.ts';
import type { OriginPolicyOptions } from '../handshake/origin.ts';
import type { DeflateOptions } from './deflate/options.ts';
import type { Authorization, OpeningRequest, RefusedEvent } from './opening.ts';
import type { ServerConnection } from './server-connection.ts';

/** How received data is handed to the `message` handler. */
export type ReceiveMode = 'owned' | 'borrowed';

type DataOf<Receive extends ReceiveMode> = Receive extends 'borrowed' ? Uint8Array : string | Uint8Array;

/** The limits of a server. All times are in milliseconds; 0 switches a time limit off. */
export interface ServerLimits {
  /**
   * Most bytes of a message, all fragments together, compressed or not; each fragment after the first counts 16 bytes
   * more. Default 1 MiB; at most 2^53 - 1.
   */
  readonly maxMessageSize?: number;
  /** Most frames of a message. Default 1,024. */
  readonly maxFragments?: number;
  /** Time for a message from its first byte to its last. Default 30,000. */
  readonly messageTimeout?: number;
  /** Silence after which a ping is sent. Default 25,000. */
  readonly pingInterval?: number;
  /** Time for any answer to a ping. Default 8,000. */
  readonly pongTimeout?: number;
  /** Time without a message after which the connection is closed. Default 0: none, keep-alive decides. */
  readonly idleTimeout?: number;
  /** Time for the closing handshake. Default 5,000. */
  readonly closeTimeout?: number;
  /** Time for `authorize`. Default 10,000. */
  readonly authorizeTimeout?: number;
  /** Time that queued output may make no progress; then the slow-consumer policy applies. Default 10,000. */
  readonly writeTimeout?: number;
  /** Above so many queued bytes `send` says `queued`, and the peer is not read from. Default 64 KiB. */
  readonly sendHighWaterMark?: number;
  /** At so many queued bytes the slow-consumer policy applies. Default 1 MiB. */
  readonly maxQueuedBytes?: number;
  /**
   * What happens to a peer that does not read: `close` with 1013, `terminate`, or `drop` what is sent beyond
   * `maxQueuedBytes` (then `writeTimeout` does not apply). Default `close`.
   */
  readonly slowConsumer?: SlowConsumerPolicy;
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
  /** Fields of the opening request. Default: 100 fields, 16 KiB. */
  readonly headerLimits?: Partial<HeaderLimits>;
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

  /** permessage-deflate: `true` for the defaults. Default off. */
  readonly compression?: boolean | DeflateOptions;

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
}

/** The limits with every default filled in. */
export type ResolvedLimits = Required<Omit<ServerLimits, 'headerLimits'>> & { readonly headerLimits: HeaderLimits };

const TIMES = [
  'messageTimeout',
  'pingInterval',
  'pongTimeout',
  'idleTimeout',
  'closeTimeout',
  'authorizeTimeout',
  'writeTimeout',
] as const;

const DEFAULT_LIMITS: ResolvedLimits = {
  maxMessageSize: 1_048_576,
  maxFragments: 1024,
  messageTimeout: 30_000,
  pingInterval: 25_000,
  pongTimeout: 8_000,
  idleTimeout: 0,
  closeTimeout: 5_000,
  authorizeTimeout: 10_000,
  writeTimeout: 10_000,
  sendHighWaterMark: 65_536,
  maxQueuedBytes: 1_048_576,
  slowConsumer: 'close',
  maxConnections: 15_000,
  maxConnectionsPerPath: Infinity,
  maxConnectionsPerAddress: Infinity,
  overCapacity: 'refuse',
  retryAfter: 5,
  maxBufferedBytes: Math.floor(totalmem() / 4),
  headerLimits: DEFAULT_HEADER_LIMITS,
};

const HANDLERS = ['authorize', 'open', 'message', 'drain', 'ping', 'pong', 'close', 'error', 'refused'];
const OTHERS = ['path', 'subprotocols', 'compression', 'receive', 'publicUrl', 'allowedOrigins', 'missingOrigin'];
const NAMES: ReadonlySet<string> = new Set([...Object.keys(DEFAULT_LIMITS), ...HANDLERS, ...OTHERS]);

/** A limit that is misspelt would be no limit. @throws UsageError `PB_OPTION_INVALID` */
export function checkNames(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (!NAMES.has(name)) {
      throw new UsageError('PB_OPTION_INVALID', `there is no option ${name}; there are ${[...NAMES].join(', ')}`);
    }
    if (HANDLERS.includes(name) && value !== undefined && typeof value !== 'function') {
      throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass a function`);
    }
  }
}

/** Fills in the defaults and checks every limit, once. @throws UsageError `PB_OPTION_INVALID` */
export function resolveLimits(options: ServerLimits): ResolvedLimits {
  const limits: ResolvedLimits = {
    ...withDefaults(options, DEFAULT_LIMITS),
    headerLimits: withDefaults(options.headerLimits ?? {}, DEFAULT_HEADER_LIMITS),
  };
  whole(limits, 'maxMessageSize', 0, Number.MAX_SAFE_INTEGER);
  whole(limits, 'maxFragments', 1, Infinity);
  for (const name of TIMES) whole(limits, name, 0, 2 ** 31);
  whole(limits, 'sendHighWaterMark', 0, Infinity);
  whole(limits, 'maxQueuedBytes', 1, Infinity);
  oneOf(limits, 'slowConsumer', ['close', 'drop', 'terminate']);
  whole(limits, 'maxConnections', 0, Infinity);
  whole(limits, 'maxConnectionsPerPath', 0, Infinity);
  whole(limits, 'maxConnectionsPerAddress', 0, Infinity);
  oneOf(limits, 'overCapacity', ['refuse', 'close']);
  whole(limits, 'retryAfter', 0, 2 ** 31);
  whole(limits, 'maxBufferedBytes', 1, Infinity);
  whole(limits.headerLimits, 'maxFields', 0, Infinity);
  whole(limits.headerLimits, 'maxBytes', 0, Infinity);
  return limits;
}

/** Of `options` what `defaults` has too, where it is given. */
function withDefaults<T extends object>(options: { readonly [Name in keyof T]?: unknown }, defaults: T): T {
  const known = Object.entries(options).filter(([name, value]) => Object.hasOwn(defaults, name) && value !== undefined);
  return { ...defaults, ...Object.fromEntries(known) };
}

function whole<T extends object>(limits: T, name: string & keyof T, least: number, most: number): void {
  const value: unknown = limits[name];
  if (typeof value === 'number' && value >= least && value <= most && (Number.isInteger(value) || value === Infinity)) {
    return;
  }
  const range = most === Infinity ? `${least} or more, or Infinity` : `from ${least} to ${most}`;
  throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass a whole number ${range}`);
}

function oneOf(limits: ResolvedLimits, name: keyof ResolvedLimits, values: readonly string[]): void {
  const value: unknown = limits[name];
  if (values.includes(value as string)) return;
  throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass one of ${values.join(', ')}`);
}
