import type { ServerMessage } from '@pulsebeacon/wire';
import type { Ending } from '../connection/ending.ts';

/** The ways to a server, from the best to the one that passes everywhere. */
export const TRANSPORTS = ['websocket', 'ndjson', 'sse', 'poll'] as const;

export type TransportName = (typeof TRANSPORTS)[number];

export const isTransportName = (text: string): text is TransportName =>
  (TRANSPORTS as readonly string[]).includes(text);

/** A command as it goes over the wire: `since` is text there, and what is undefined does not go. */
export interface WireCommand {
  readonly type: string;
  readonly channel: string;
  readonly [field: string]: unknown;
}

export interface Hello {
  readonly versions: readonly number[];
  /** Several messages may come in one of a WebSocket, a line each. */
  readonly lines: true;
  readonly session: string | undefined;
  readonly authorization: string | undefined;
}

/** What a link says of itself. Nothing is said after its end, nor after it was closed. */
export interface LinkOwner {
  hello(): Promise<Hello>;
  /** `hello` and {@link subscribes} as a query, where no secret is in them and they are short. */
  begin(): string | undefined;
  /** A `subscribe` for each channel, from where it is now. */
  subscribes(): readonly WireCommand[];
  /** It got somewhere: the WebSocket is open, the answer has begun, or something has come. */
  onSign(): void;
  onMessage(message: ServerMessage): void;
  onEnd(ending: Ending): void;
}

/** One way to the server while it lasts. */
export interface Link {
  /** Sends commands; undefined where they take requests of their own. */
  readonly send?: (commands: readonly WireCommand[]) => void;
  /** Other channels are followed from now on; undefined where that takes `send`, or another link. */
  readonly refresh?: () => void;
  close(): void;
}
