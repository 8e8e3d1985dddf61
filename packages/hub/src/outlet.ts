import type { ServerMessage, WireError } from '@pulsebeacon/wire';
import type { EncodedPublication } from './encoded-publication.ts';

export type TransportName = 'websocket' | 'sse' | 'ndjson' | 'poll' | 'local';

/** The way to one client: what a transport has to do for the hub. Its methods do not throw. */
export interface Outlet {
  readonly transport: TransportName;
  /** Bytes that were handed over and that the operating system has not taken yet. */
  readonly queuedBytes: number;
  /** It serves one channel and cannot say that this has failed: then the client is closed, and may come back. */
  readonly isOfOneChannel: boolean;

  /**
   * Hands over a publication, which is queued in any case.
   * @returns false above the high-water mark: the transport calls {@link HubClient.drained} once there is room again
   */
  publication(encoded: EncodedPublication): boolean;

  /** Hands over any other message. Transports without an envelope leave out what they cannot say. */
  message(message: ServerMessage): void;

  /**
   * Tells the client why, with `retryAfterMs` when to come back, and ends; {@link HubClient.closed} follows, or has been
   * called already. What was handed over before is delivered first, unless the client does not read.
   */
  close(error: WireError, retryAfterMs?: number): void;
}
