import type { ConnectionShared } from '../../connection/shared.ts';
import { clientShared } from '../client/client-connection.ts';
import { HTTP_OPTION_NAMES } from '../client/http-options.ts';
import { type ClientSettings, type OpeningOptions, resolveSettings } from '../client/options.ts';
import { checkOptionNames } from '../connection-limits.ts';

/**
 * What the constructor takes as its third argument; in browsers there is none. As for `connect()`, but for what the
 * interface decides: subprotocols are its second argument, and `send` says nothing, so that there is no high-water
 * mark, and nothing may be dropped unsaid.
 */
export type WebSocketOptions = Omit<
  OpeningOptions,
  'subprotocols' | 'requireSubprotocol' | 'sendHighWaterMark' | 'slowConsumer'
>;

/** The shared handlers of client connections. */
export type ClientHandlers<Context> = Parameters<typeof clientShared<Context>>[1];

const MIB = 1_048_576;

/**
 * Where they differ from those of `connect()`: programs that are written for browsers know no limits, so these are as
 * wide as a process can stand. `messageTimeout` would be a limit on size for slow networks.
 */
const DEFAULTS = { maxMessageSize: 100 * MIB, maxFragments: Infinity, messageTimeout: 0, maxQueuedBytes: Infinity };

/** Reading never waits for writing: a page that only sends would never get to see the answers. */
const FIXED = { sendHighWaterMark: Infinity };

const NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(DEFAULTS),
  'pingInterval',
  'pongTimeout',
  'idleTimeout',
  'closeTimeout',
  'writeTimeout',
  'handshakeTimeout',
  'headerLimits',
  'headers',
  'origin',
  'compression',
  'tls',
  'socket',
  'socketPath',
  'trace',
  'httpVersion',
  ...HTTP_OPTION_NAMES,
]);

/** How one WebSocket opens, and what its connection shares with others. */
export interface Resolved {
  readonly settings: ClientSettings;
  readonly shared: ConnectionShared<never>;
}

/** As {@link resolveOptions}, for a WebSocketStream: it is made for backpressure, and so it has a high-water mark. */
export function resolveStreamOptions<Context>(
  options: WebSocketOptions,
  protocols: readonly string[],
  handlers: ClientHandlers<Context>,
): Resolved {
  checkOptionNames(options, NAMES, ['trace']);
  const settings = resolveSettings({
    ...DEFAULTS,
    ...given(options),
    subprotocols: protocols,
    requireSubprotocol: true,
  });
  return { settings, shared: clientShared(settings, handlers) };
}

/** What all that are made without options have in common. */
let usual: Resolved | undefined;

/** @throws UsageError `PB_OPTION_INVALID` */
export function resolveOptions<Context>(
  options: WebSocketOptions | undefined,
  protocols: readonly string[],
  handlers: ClientHandlers<Context>,
): Resolved {
  const { settings, shared } = options === undefined ? (usual ??= resolve({}, handlers)) : resolve(options, handlers);
  if (protocols.length === 0) return { settings, shared };
  return { settings: { ...settings, subprotocols: protocols, requireSubprotocol: true }, shared };
}

function resolve<Context>(options: WebSocketOptions, handlers: ClientHandlers<Context>): Resolved {
  checkOptionNames(options, NAMES, ['trace']);
  const settings = resolveSettings({ ...DEFAULTS, ...given(options), ...FIXED });
  return { settings, shared: clientShared(settings, handlers) };
}

function given(options: WebSocketOptions): WebSocketOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
