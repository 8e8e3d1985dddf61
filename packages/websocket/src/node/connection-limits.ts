import { UsageError } from '../connection/errors.ts';
import type { SlowConsumerPolicy } from '../connection/shared.ts';
import { DEFAULT_HEADER_LIMITS, type HeaderLimits } from '../handshake/header-fields.ts';

/** How received data is handed to the `message` handler. */
export type ReceiveMode = 'owned' | 'borrowed';

export type DataOf<Receive extends ReceiveMode> = Receive extends 'borrowed' ? Uint8Array : string | Uint8Array;

/** The limits of a connection, in either role. All times are in milliseconds; 0 switches a time limit off. */
export interface ConnectionLimits {
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
  /** Fields of the opening handshake that are received. Default: 100 fields, 16 KiB. */
  readonly headerLimits?: Partial<HeaderLimits>;
}

/** The limits of one side, with every default filled in. */
export type Resolved<Limits extends ConnectionLimits> = Required<Omit<Limits, 'headerLimits'>> & {
  readonly headerLimits: HeaderLimits;
};

export type ResolvedConnectionLimits = Resolved<ConnectionLimits>;

export const DEFAULT_CONNECTION_LIMITS: ResolvedConnectionLimits = {
  maxMessageSize: 1_048_576,
  maxFragments: 1024,
  messageTimeout: 30_000,
  pingInterval: 25_000,
  pongTimeout: 8_000,
  idleTimeout: 0,
  closeTimeout: 5_000,
  writeTimeout: 10_000,
  sendHighWaterMark: 65_536,
  maxQueuedBytes: 1_048_576,
  slowConsumer: 'close',
  headerLimits: DEFAULT_HEADER_LIMITS,
};

const TIMES = ['messageTimeout', 'pingInterval', 'pongTimeout', 'idleTimeout', 'closeTimeout', 'writeTimeout'] as const;

/**
 * Fills in the defaults and checks every limit that both roles have, once. Where nothing is given, it is the very object
 * of the defaults.
 * @throws UsageError `PB_OPTION_INVALID`
 */
export function resolveConnectionLimits<T extends ResolvedConnectionLimits>(options: ConnectionLimits, defaults: T): T {
  if (!Object.keys(defaults).some((name) => options[name as keyof ConnectionLimits] !== undefined)) return defaults;
  const limits: T = {
    ...withDefaults(options, defaults),
    headerLimits: withDefaults(options.headerLimits ?? {}, DEFAULT_HEADER_LIMITS),
  };
  const common: ResolvedConnectionLimits = limits;
  checkWhole(common, 'maxMessageSize', 0, Number.MAX_SAFE_INTEGER);
  checkWhole(common, 'maxFragments', 1, Infinity);
  for (const name of TIMES) checkTime(common, name);
  checkWhole(common, 'sendHighWaterMark', 0, Infinity);
  checkWhole(common, 'maxQueuedBytes', 1, Infinity);
  checkOneOf(common, 'slowConsumer', ['close', 'drop', 'terminate']);
  checkWhole(common.headerLimits, 'maxFields', 0, Infinity);
  checkWhole(common.headerLimits, 'maxBytes', 0, Infinity);
  return limits;
}

/**
 * A limit that is misspelt would be no limit.
 * @param handlers the names among `names` whose values are functions
 * @throws UsageError `PB_OPTION_INVALID`
 */
export function checkOptionNames(options: object, names: ReadonlySet<string>, handlers: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (!names.has(name)) {
      throw new UsageError('PB_OPTION_INVALID', `there is no option ${name}; there are ${[...names].join(', ')}`);
    }
    if (handlers.includes(name) && value !== undefined && typeof value !== 'function') {
      throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass a function`);
    }
  }
}

/** @throws UsageError `PB_OPTION_INVALID` where it is no time in whole milliseconds, at most 2^31 */
export function checkTime<T extends object>(limits: T, name: string & keyof T): void {
  checkWhole(limits, name, 0, 2 ** 31);
}

/** @throws UsageError `PB_OPTION_INVALID` where it is no whole number from `least` to `most` */
export function checkWhole<T extends object>(limits: T, name: string & keyof T, least: number, most: number): void {
  const value: unknown = limits[name];
  if (typeof value === 'number' && value >= least && value <= most && (Number.isInteger(value) || value === Infinity)) {
    return;
  }
  const range = most === Infinity ? `${least} or more, or Infinity` : `from ${least} to ${most}`;
  throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass a whole number ${range}`);
}

/** @throws UsageError `PB_OPTION_INVALID` where it is none of `values` */
export function checkOneOf<T extends object>(limits: T, name: string & keyof T, values: readonly unknown[]): void {
  const value: unknown = limits[name];
  if (values.includes(value)) return;
  throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass one of ${values.join(', ')}`);
}

/** Of `options` what `defaults` has too, where it is given. */
export function withDefaults<T extends object>(options: { readonly [Name in keyof T]?: unknown }, defaults: T): T {
  const known = Object.entries(options).filter(([name, value]) => Object.hasOwn(defaults, name) && value !== undefined);
  return { ...defaults, ...Object.fromEntries(known) };
}
