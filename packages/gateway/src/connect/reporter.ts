import type { ClientConnection } from '@pulsebeacon/websocket';

/** How a connection came to its end. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
  /** We began it. */
  readonly isOurs: boolean;
}

/** Tells whoever is there, a person or a program, what happens on the connection. */
export interface Reporter {
  opened(connection: ClientConnection): void;
  /** @returns false where whoever reads does not keep up */
  message(data: string | Uint8Array): boolean;
  ping(data: Uint8Array): void;
  /** @param roundTrip milliseconds since the ping, where somebody asked for that one */
  pong(data: Uint8Array, roundTrip: number | undefined): void;
  closed(ending: Ending): void;
  /** There is no connection, or it failed, or something on this side did. */
  failed(error: Error): void;
}
