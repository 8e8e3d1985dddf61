import type { Command, Publication, ServerMessage } from '@pulsebeacon/wire';

/** Payloads alone, as a WebSocket without envelopes brings them. */
export interface RawPayload {
  readonly type: 'payload';
  readonly data: string | Uint8Array;
}

/** Is told of what goes to one client and comes from it, heartbeats aside, before anything is done with it. Must not throw. */
export interface ClientTap {
  sent(message: ServerMessage | Publication): void;
  received(message: Command | RawPayload): void;
}
