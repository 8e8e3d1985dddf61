import { FlushScheduler } from '../connection/flush-scheduler.ts';
import type { ConnectionShared, ConnectionTimes } from '../connection/shared.ts';
import { ticks, TimerWheel } from '../connection/timer-wheel.ts';
import type { ReceiverLimits } from '../protocol/receiver.ts';
import type { ResolvedConnectionLimits } from './connection-limits.ts';
import { nodePlatform } from './platform.ts';

/** One timer, and one end of turn, for all connections of the process. */
export const wheel: TimerWheel = new TimerWheel();
const scheduler = new FlushScheduler();

/** Overwrite what handlers only borrow, as soon as they return. For tests; see docs/guide/performance.md. */
const POISON = process.env['PULSEBEACON_POISON'] === '1';

/** What differs between the connections of a server's path and those of a client. */
type Own<C> = Pick<
  ConnectionShared<C>,
  'role' | 'masks' | 'handlers' | 'borrowed' | 'idleInboxes' | 'idleOutboxes' | 'deflate' | 'traffic' | 'onClosed'
>;

/** What connections have in common: what is the same for all of the process, their limits, and what is their own. */
export function connectionShared<C>(limits: ResolvedConnectionLimits, own: Own<C>): ConnectionShared<C> {
  const { receiver, times } = derive(limits);
  return {
    role: own.role,
    platform: nodePlatform,
    scheduler,
    wheel,
    masks: own.masks,
    handlers: own.handlers,
    borrowed: own.borrowed,
    poison: POISON,
    limits: receiver,
    idleInboxes: own.idleInboxes,
    idleOutboxes: own.idleOutboxes,
    sendHighWaterMark: limits.sendHighWaterMark,
    maxQueuedBytes: limits.maxQueuedBytes,
    slowConsumer: limits.slowConsumer,
    deflate: own.deflate,
    times,
    traffic: own.traffic,
    onClosed: own.onClosed,
  };
}

interface Derived {
  readonly receiver: ReceiverLimits;
  readonly times: ConnectionTimes;
}

/** A client may have thousands of connections, each opened by itself, and most with the same limits. */
const derivedLimits = new WeakMap<ResolvedConnectionLimits, Derived>();

function derive(limits: ResolvedConnectionLimits): Derived {
  let derived = derivedLimits.get(limits);
  if (derived === undefined) {
    const { maxMessageSize, maxFragments } = limits;
    derived = { receiver: { maxMessageSize, maxFragments }, times: timesOf(limits) };
    derivedLimits.set(limits, derived);
  }
  return derived;
}

/** The times of these limits: the same object as long as the limits are. */
export function timesFor(limits: ResolvedConnectionLimits): ConnectionTimes {
  return derive(limits).times;
}

function timesOf(limits: ResolvedConnectionLimits): ConnectionTimes {
  return {
    pingInterval: ticksOf(limits.pingInterval),
    pongTimeout: ticksOf(limits.pongTimeout),
    writeTimeout: ticksOf(limits.writeTimeout),
    messageTimeout: ticksOf(limits.messageTimeout),
    idleTimeout: ticksOf(limits.idleTimeout),
    closeTimeout: ticksOf(limits.closeTimeout),
  };
}

/** A time limit in ticks of the wheel; 0 means that there is none. */
export function ticksOf(milliseconds: number): number {
  return milliseconds === 0 ? Infinity : ticks(milliseconds);
}
