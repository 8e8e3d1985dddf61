import type { SendResult, ServerConnection } from '@pulsebeacon/websocket';
import { type ServerMessage, utf8Length, type WireError } from '@pulsebeacon/wire';
import type { EncodedPublication } from '../encoded-publication.ts';
import type { HeartbeatTarget } from '../heartbeats.ts';
import { byeMessage, HEARTBEAT, messageJson } from '../message-json.ts';
import type { Outlet } from '../outlet.ts';

const HEARTBEAT_JSON = messageJson(HEARTBEAT);
const CLOSE_POLICY_VIOLATION = 1008;
const CLOSE_TOO_LARGE = 1009;
/** RFC 6455 §5.5.1: a close frame has room for so much beside its code. */
const MAX_REASON_BYTES = 123;

/** A WebSocket on which payloads stand alone. What needs an envelope cannot be said. */
export class RawWebSocketOutlet implements Outlet {
  readonly transport = 'websocket' as const;
  readonly isOfOneChannel: boolean = true;
  protected readonly connection: ServerConnection<unknown>;

  constructor(connection: ServerConnection<unknown>) {
    this.connection = connection;
  }

  get queuedBytes(): number {
    return this.connection.queuedBytes;
  }

  publication(encoded: EncodedPublication): boolean {
    const { connection } = this;
    const { isForOne, publication } = encoded;
    return (isForOne ? connection.send(publication.data) : connection.sendPrepared(encoded.rawMessage)) !== 'queued';
  }

  message(message: ServerMessage): void {
    // Whoever wanted to go on from somewhere must not believe that nothing is missing.
    if (message.type !== 'subscribed' || message.recovered) return;
    const detail = 'what was published since is not all kept: read the history, and follow anew';
    this.connection.close(CLOSE_POLICY_VIOLATION, `PB_POSITION_INVALID; ${detail}`);
  }

  close(error: WireError, retryAfterMs?: number): void {
    this.connection.close(closeCodeOf(error), closeReason(error, retryAfterMs));
  }
}

/** A WebSocket on which every message is JSON, in an envelope. */
export class EnvelopeWebSocketOutlet extends RawWebSocketOutlet implements HeartbeatTarget {
  override readonly isOfOneChannel = false;
  /** The client takes several messages in one, a line each. */
  takesLines = false;
  isQuiet = false;

  override publication(encoded: EncodedPublication): boolean {
    this.isQuiet = false;
    return this.send(encoded) !== 'queued';
  }

  override message(message: ServerMessage): void {
    this.isQuiet = false;
    const json = messageJson(message);
    if (this.takesLines) this.connection.sendLine(json);
    else this.connection.send(json);
  }

  override close(error: WireError, retryAfterMs?: number): void {
    this.message(byeMessage(error, retryAfterMs));
    super.close(error, retryAfterMs);
  }

  beat(): void {
    this.connection.send(HEARTBEAT_JSON);
  }

  private send(encoded: EncodedPublication): SendResult {
    const { connection } = this;
    // What goes out in one turn becomes one message, so that a client has one event for all of it.
    if (this.takesLines) {
      return encoded.isForOne ? connection.sendLine(encoded.json) : connection.sendPrepared(encoded.jsonLine);
    }
    return encoded.isForOne ? connection.send(encoded.json) : connection.sendPrepared(encoded.jsonMessage);
  }
}

/** The table knows no code where an answer is enough: for what ends a WebSocket all the same, it is this. */
function closeCodeOf({ code, entry }: WireError): number {
  return entry.closeCode ?? (code === 'PB_PAYLOAD_TOO_LARGE' ? CLOSE_TOO_LARGE : CLOSE_POLICY_VIOLATION);
}

/** `PB_HUB_DRAINING; retry after 1400 ms; the server is shutting down`, as far as there is room for it. */
function closeReason({ code, message }: WireError, retryAfterMs: number | undefined): string {
  const head = retryAfterMs === undefined ? code : `${code}; retry after ${retryAfterMs} ms`;
  const whole = `${head}; ${message}`;
  return utf8Length(whole) <= MAX_REASON_BYTES ? whole : head;
}
