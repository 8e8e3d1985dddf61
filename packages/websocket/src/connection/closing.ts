import { copyBytes } from '../protocol/bytes.ts';
import { CLOSE_ABNORMAL, CLOSE_NO_STATUS } from '../protocol/close-codes.ts';
import { encodeCloseBody } from '../protocol/sender.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Deadlines } from './deadlines.ts';
import { WebSocketError } from './errors.ts';
import type { ConnectionShared } from './shared.ts';

/** Whose end it is. */
export interface ClosingOwner {
  readonly shared: ConnectionShared<never>;
  readonly stream: ByteStream;
  readonly deadlines: Deadlines;
  /** Not everything that was sent is written. */
  readonly isWaiting: boolean;
  /** No more messages go either way; who is in the middle of one is told why, and who pulls. */
  endMessages(error: WebSocketError | undefined): void;
  /** Sends our close frame, behind everything that was sent before. */
  sendClose(body: Uint8Array): void;
  /** Tells the `error` handler. @returns false where there is none */
  report(error: WebSocketError): boolean;
}

/**
 * How a connection ends (RFC 6455 §7). Made when the end begins, by whichever side: an open connection has none.
 */
export class Closing {
  private readonly owner: ClosingOwner;
  /** Our close frame has gone to the outbox. */
  private sent = false;
  /** The peer's close frame has arrived. */
  received = false;
  /** We failed the connection (RFC 6455 §7.1.7). */
  failed = false;
  /** The stream ends as soon as everything is written. */
  endWhenWritten = false;
  code: number = CLOSE_ABNORMAL;
  reason = '';
  /** Why the connection did not end cleanly. */
  error: WebSocketError | undefined;

  constructor(owner: ClosingOwner) {
    this.owner = owner;
    owner.deadlines.noteClosing();
  }

  /** Both sides sent a close frame (RFC 6455 §7.1.4). */
  get isClean(): boolean {
    return this.sent && this.received;
  }

  /** The application closes. */
  start(code: number, reason: string): void {
    this.code = code;
    this.reason = reason;
    this.owner.sendClose(encodeCloseBody(code, reason, this.owner.shared.platform));
  }

  /** The peer's close frame. @param wasOpen ours was not sent, nor is it to be */
  onCloseFrame(bytes: Uint8Array, start: number, end: number, wasOpen: boolean): void {
    const { owner } = this;
    // Nothing counts after a close frame (RFC 6455 §5.5.1).
    owner.endMessages(undefined);
    const hasCode = end > start;
    this.received = true;
    this.code = hasCode ? (bytes[start]! << 8) | bytes[start + 1]! : CLOSE_NO_STATUS;
    this.reason = hasCode ? owner.shared.platform.decodeUtf8(bytes, start + 2, end) : '';
    // The answer usually echoes the code (RFC 6455 §5.5.1).
    if (wasOpen) owner.sendClose(hasCode ? copyBytes(bytes, start, start + 2) : EMPTY);
    else this.endIfDone();
  }

  /** Our close frame has gone to the outbox. */
  onCloseWritten(): void {
    this.sent = true;
    this.endIfDone();
  }

  /**
   * Fails the connection (RFC 6455 §7.1.7): says why, sends the close code, and takes nothing more.
   * @param wasOpen as for {@link onCloseFrame}
   * @returns whether the `error` handler was told
   */
  fail(error: WebSocketError, wasOpen: boolean): boolean {
    const { owner } = this;
    const { closeCode, message } = error;
    this.failed = true;
    this.error ??= error;
    if (!this.received) {
      this.code = closeCode;
      this.reason = closeCode === CLOSE_ABNORMAL ? '' : message;
    }
    owner.endMessages(error);
    const isReported = owner.report(error);
    if (closeCode === CLOSE_ABNORMAL) owner.stream.destroy();
    else if (wasOpen) owner.sendClose(encodeCloseBody(closeCode, message, owner.shared.platform));
    else this.endIfDone();
    return isReported;
  }

  /** The application cuts the connection. */
  terminate(): void {
    if (!this.received) {
      this.code = CLOSE_ABNORMAL;
      this.error ??= new WebSocketError('PB_TERMINATED');
    }
    this.owner.endMessages(this.error);
    this.owner.stream.destroy();
  }

  /** The peer sends no more. */
  onStreamEnd(): void {
    if (!this.received) this.error ??= new WebSocketError('PB_STREAM_ENDED');
    this.owner.endMessages(this.error);
  }

  /** The stream is gone. */
  onStreamGone(cause: Error | undefined): void {
    if (this.received || this.failed) return;
    this.code = CLOSE_ABNORMAL;
    this.reason = '';
    if (cause === undefined) {
      this.error ??= new WebSocketError('PB_STREAM_ENDED');
    } else {
      const error = new WebSocketError('PB_STREAM_FAILED', { cause });
      this.error ??= error;
      this.owner.report(error);
    }
  }

  /**
   * A peer that is still sending would lose our close frame behind a proxy, which resets one side when the other has
   * ended. So the stream of a failed connection ends when nothing has come for a moment.
   */
  get isLingering(): boolean {
    return this.failed && this.sent && !this.received && !this.endWhenWritten;
  }

  endStream(): void {
    this.endWhenWritten = true;
    if (!this.owner.isWaiting) this.finishStream();
  }

  /** Nothing that still came would count. */
  finishStream(): void {
    const { stream } = this.owner;
    if (stream.finish === undefined) stream.end();
    else stream.finish();
  }

  /** Both close frames are through: the server ends the TCP connection first (RFC 6455 §7.1.1). */
  private endIfDone(): void {
    const { sent, received, failed, owner } = this;
    if (!sent) return;
    const isOurs = failed || owner.shared.role === 'server' || owner.stream.mayClientEnd === true;
    if (received && isOurs) this.endStream();
    else if (failed) owner.deadlines.noteLingering();
  }
}

const EMPTY = new Uint8Array(0);
