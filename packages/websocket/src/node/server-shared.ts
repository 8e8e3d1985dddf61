import { FlushScheduler } from '../connection/flush-scheduler.ts';
import type { ConnectionShared, ConnectionTimes } from '../connection/shared.ts';
import { ticks, TimerWheel } from '../connection/timer-wheel.ts';
import type { TrafficCounts } from '../connection/traffic.ts';
import type { DeflateProvider } from '../protocol/platform.ts';
import type { ReceiveMode, ResolvedLimits, ServerOptions } from './options.ts';
import { nodePlatform } from './platform.ts';
import type { ServerConnectionCore } from './server-connection.ts';

/** One timer, and one end of turn, for all connections of the process. */
const wheel = new TimerWheel();
const scheduler = new FlushScheduler();

/** Overwrite what handlers only borrow, as soon as they return. For tests; see docs/guide/performance.md. */
const POISON = process.env['PULSEBEACON_POISON'] === '1';

/** What all connections of one path of a server have in common. */
export function serverShared<Context>(
  options: ServerOptions<Context, ReceiveMode>,
  limits: ResolvedLimits,
  deflate: DeflateProvider | null,
  traffic: TrafficCounts,
  onClosed: (connection: ServerConnectionCore<Context>, code: number) => void,
): ConnectionShared<ServerConnectionCore<Context>> {
  const { open, message, drain, ping, pong, close, error } = options;
  return {
    role: 'server',
    platform: nodePlatform,
    scheduler,
    wheel,
    masks: null,
    // One object of one shape, so that calls of the handlers stay fast.
    handlers: { open, message, drain, ping, pong, close, error } as ConnectionShared<
      ServerConnectionCore<Context>
    >['handlers'],
    borrowed: options.receive === 'borrowed',
    poison: POISON,
    limits: { maxMessageSize: limits.maxMessageSize, maxFragments: limits.maxFragments },
    idleInboxes: [],
    idleOutboxes: [],
    sendHighWaterMark: limits.sendHighWaterMark,
    maxQueuedBytes: limits.maxQueuedBytes,
    slowConsumer: limits.slowConsumer,
    deflate,
    times: timesOf(limits),
    traffic,
    onClosed,
  };
}

function timesOf(limits: ResolvedLimits): ConnectionTimes {
  const ticksOf = (milliseconds: number): number => (milliseconds === 0 ? Infinity : ticks(milliseconds));
  return {
    pingInterval: ticksOf(limits.pingInterval),
    pongTimeout: ticksOf(limits.pongTimeout),
    writeTimeout: ticksOf(limits.writeTimeout),
    messageTimeout: ticksOf(limits.messageTimeout),
    idleTimeout: ticksOf(limits.idleTimeout),
    closeTimeout: ticksOf(limits.closeTimeout),
  };
}
