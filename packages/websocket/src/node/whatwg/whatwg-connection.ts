import type { Closing } from '../../connection/closing.ts';
import { ClientConnectionCore } from '../client/client-connection.ts';

const NO_BODY = new Uint8Array(0);

/** Whose connection it is. */
export interface WhatwgOwner {
  /** RFC 6455 §7.1.3: either side has sent a close frame. */
  onClosingStarted(): void;
  /** What is queued will be forgotten, and was never transmitted. */
  onSendingFailed(): void;
}

/** The connection of a WebSocket object, which hears of more than the handlers of a connection are told. */
export class WhatwgConnection<Owner extends WhatwgOwner = WhatwgOwner> extends ClientConnectionCore<Owner> {
  /** The server's close frame has come, so that code and reason are the server's (RFC 6455 §7.1.5). */
  get isCloseReceived(): boolean {
    return this.closing !== null && this.closing.received;
  }

  /** Starts the closing handshake with a close frame that has no body. */
  closeWithoutCode(): void {
    if (!this.isOpen) return;
    this.beginClosing();
    this.sendClose(NO_BODY);
  }

  protected override beginClosing(): Closing {
    if (this.closing === null) this.context.onClosingStarted();
    return super.beginClosing();
  }

  override onWriteTimeout(): void {
    this.context.onSendingFailed();
    super.onWriteTimeout();
  }
}
