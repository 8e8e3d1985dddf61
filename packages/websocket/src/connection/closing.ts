import { CLOSE_ABNORMAL } from '../protocol/close-codes.ts';

/** How a connection ends. Made when the end begins, by whichever side: an open connection has none. */
export class Closing {
  /** Our close frame has gone to the outbox. */
  sent = false;
  /** The peer's close frame has arrived. */
  received = false;
  /** We failed the connection (RFC 6455 §7.1.7). */
  failed = false;
  /** The stream ends as soon as everything is written. */
  endWhenWritten = false;
  code: number = CLOSE_ABNORMAL;
  reason = '';

  /** Both sides sent a close frame (RFC 6455 §7.1.4). */
  get isClean(): boolean {
    return this.sent && this.received;
  }
}
