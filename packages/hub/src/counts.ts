import type { WireErrorCode } from '@pulsebeacon/wire';
import type { TransportName } from './outlet.ts';

/** What has happened at a hub since it began, and what is there now. */
export interface HubCounts {
  /** Clients that are connected now. */
  readonly open: number;
  /** Most at once. */
  readonly peak: number;
  /** Since the hub began. */
  readonly accepted: number;
  /** Clients that are connected now, by transport; `local`: what the server itself follows, which is not among `open`. */
  readonly byTransport: Readonly<Record<TransportName, number>>;
  /** Channels that somebody follows. */
  readonly channels: number;
  /** How many follow how many channels. */
  readonly subscriptions: number;
  readonly published: number;
  /** Publications that were handed to subscribers, live. */
  readonly delivered: number;
  /** Those that were left out, by the policy of a channel. */
  readonly skipped: number;
  /** Subscriptions that began with what was missed, and those that could not. */
  readonly recovered: number;
  readonly notRecovered: number;
  /** Clients that are slow now. */
  readonly congested: number;
  /** Requests and commands that were refused, by code. */
  readonly refusedByCode: Readonly<Partial<Record<WireErrorCode, number>>>;
  /**
   * Clients that have gone, by the reason: the code of the error with which the server ended them, else the close code of
   * their WebSocket; `left` where a stream was ended by its client, `answered` for polls.
   */
  readonly closedByReason: Readonly<Record<string, number>>;
}

/** The counters behind {@link HubCounts}. */
export class Tally {
  peak = 0;
  accepted = 0;
  subscriptions = 0;
  published = 0;
  delivered = 0;
  skipped = 0;
  recovered = 0;
  notRecovered = 0;
  readonly byTransport: Record<TransportName, number> = { websocket: 0, sse: 0, ndjson: 0, poll: 0, local: 0 };
  readonly refused: Partial<Record<WireErrorCode, number>> = {};
  readonly closed: Record<string, number> = {};

  refuse(code: WireErrorCode): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }

  close(reason: string): void {
    this.closed[reason] = (this.closed[reason] ?? 0) + 1;
  }
}
