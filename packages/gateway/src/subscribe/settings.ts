import type { RemoteServer } from '../remote/server.ts';

export const TRANSPORTS = ['websocket', 'sse', 'ndjson', 'poll'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** What `subscribe` runs with, read and checked. */
export interface SubscribeSettings {
  readonly server: RemoteServer;
  readonly channel: string;
  readonly transport: Transport;
  /** Where to begin: a position, a duration, `all`; undefined: now. */
  readonly since: string | undefined;
  /** End after so many publications. */
  readonly count: number;
  /** Milliseconds after which it ends. */
  readonly wait: number;
  /** Milliseconds after a first failure in which it is tried again. */
  readonly retryFor: number;
  /** Publications in their envelopes. */
  readonly json: boolean;
  readonly timestamps: boolean;
  /** Nothing but publications, and why it has failed. */
  readonly quiet: boolean;
  /** Colours, where there is a terminal. */
  readonly color: boolean;
}
