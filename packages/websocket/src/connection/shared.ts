import type { DeflateParameters } from '../protocol/permessage-deflate.ts';
import type { Role } from '../protocol/opcodes.ts';
import type { DeflateProvider } from '../protocol/platform.ts';
import type { ReceiverLimits } from '../protocol/receiver.ts';
import type { ConnectionHandlers, MessageData, MessageKind } from './connection.ts';
import type { Inbox } from './inbox.ts';
import type { Outbox, OutboxShared } from './outbox.ts';
import type { TimerWheel } from './timer-wheel.ts';
import type { TrafficCounts } from './traffic.ts';

/** What happens to a peer that does not read: at `maxQueuedBytes`, or after `writeTimeout` without progress. */
export type SlowConsumerPolicy = 'close' | 'drop' | 'terminate';

/** All times are ticks of the wheel; Infinity switches a deadline off. */
export interface ConnectionTimes {
  /** Silence after which a ping is sent. */
  readonly pingInterval: number;
  /** How long an answer to a ping may take. */
  readonly pongTimeout: number;
  /** How long queued output may make no progress. */
  readonly writeTimeout: number;
  /** How long a message may take from its first byte to its last. */
  readonly messageTimeout: number;
  /** How long the peer may send no message. */
  readonly idleTimeout: number;
  /** How long the closing handshake may take. */
  readonly closeTimeout: number;
}

/** What all connections of one server, or of one path of it, have in common. One object, never one per connection. */
export interface ConnectionShared<C> extends OutboxShared {
  readonly role: Role;
  readonly handlers: ConnectionHandlers<unknown, C> & {
    message?(connection: C, data: MessageData, kind: MessageKind): unknown;
  };
  /** Handlers get views that are valid during the call only. */
  readonly borrowed: boolean;
  /** Overwrite borrowed data after the handler returns, to expose who kept it. For tests. */
  readonly poison: boolean;
  readonly limits: ReceiverLimits;
  /** Halves that no connection needs at the moment: ten thousand silent ones share a few. */
  readonly idleInboxes: Inbox[];
  readonly idleOutboxes: Outbox[];
  readonly sendHighWaterMark: number;
  readonly maxQueuedBytes: number;
  readonly slowConsumer: SlowConsumerPolicy;
  readonly deflate: DeflateProvider | null;
  readonly times: ConnectionTimes;
  readonly wheel: TimerWheel;
  readonly traffic: TrafficCounts;
  /** The connection is over; called before the `close` handler. */
  onClosed(connection: C, code: number): void;
}

/** What the handshake agreed on for one connection. */
export interface Agreement {
  readonly protocol: string;
  readonly extensions: string;
  readonly deflate: DeflateParameters | null;
}
