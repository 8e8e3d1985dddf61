import { CLOSE_ABNORMAL, CLOSE_NORMAL } from '../../protocol/close-codes.ts';
import { ClientOpening, type Opened, type OpeningObserver } from '../client/client-opening.ts';
import { parseTarget } from '../client/target.ts';
import { prepareSharedReadBuffer } from '../shared-read-buffer.ts';
import { BufferedAmount } from './buffered-amount.ts';
import { newCloseEvent } from './close-event.ts';
import { type ClientHandlers, resolveOptions, type WebSocketOptions } from './options.ts';
import { SendQueue, type SendQueueOwner } from './send-queue.ts';
import { queueTask, startTask } from './tasks.ts';
import { sizeOfBlob, type Sendable } from './web-idl.ts';
import { WhatwgConnection, type WhatwgOwner } from './whatwg-connection.ts';

export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSING = 2;
export const CLOSED = 3;

/** How binary messages are exposed. */
export type BinaryType = 'blob' | 'arraybuffer';

type ReadyState = typeof CONNECTING | typeof OPEN | typeof CLOSING | typeof CLOSED;

const { dispatchEvent } = EventTarget.prototype;

/**
 * What stands behind a WebSocket object: the algorithms of https://websockets.spec.whatwg.org/, on the connection that
 * the client of this library has. Whatever changes the object or fires an event there is a task of its own, in order.
 */
export class WebSocketCore implements OpeningObserver, SendQueueOwner, WhatwgOwner {
  readyState: ReadyState = CONNECTING;
  binaryType: BinaryType = 'blob';
  extensions = '';
  protocol = '';
  readonly url: string;
  private readonly target: EventTarget;
  /** Of the URL; made for the first message. */
  private origin = '';
  /** Null once it is over. */
  private opening: ClientOpening | null;
  /** Null until it is established, and when it is closed. */
  private connection: WhatwgConnection<WebSocketCore> | null = null;
  private readonly shared: ReturnType<typeof resolveOptions>['shared'];
  /** Null until something is sent. */
  private amount: BufferedAmount | null = null;
  /** Null unless a Blob is being read. */
  private queue: SendQueue | null = null;
  /** Messages whose tasks have not run. */
  private waitingMessages = 0;
  /** Something was sent in this turn of the event loop. */
  private isSending = false;

  /** @throws UsageError and HandshakeUsageError for options that cannot be */
  constructor(target: EventTarget, url: string, protocols: readonly string[], options: WebSocketOptions | undefined) {
    this.target = target;
    this.url = url;
    const { settings, shared } = resolveOptions(options, protocols, handlers);
    this.shared = shared;
    void prepareSharedReadBuffer();
    this.opening = new ClientOpening(parseTarget(url, options?.socketPath), settings, this);
  }

  get bufferedAmount(): number {
    return this.amount === null ? 0 : this.amount.read(this.connection === null ? 0 : this.connection.queuedBytes);
  }

  // --- Sending and closing -------------------------------------------------------------------------------------------

  /** The state is not CONNECTING. */
  send(data: Sendable): void {
    const size = sizeOf(data);
    this.amount ??= new BufferedAmount();
    if (this.readyState !== OPEN) {
      this.amount.addLost(size);
    } else if (this.queue !== null || isBlob(data)) {
      this.amount.addWaiting(size);
      this.queue ??= new SendQueue(this);
      this.queue.addMessage(data, size);
    } else {
      this.transmit(data, size);
    }
  }

  private transmit(data: string | Uint8Array, size: number): void {
    const result = this.connection!.send(data);
    if (result === 'dropped' || result === 'closed') {
      // Full: the connection fails, and with it what had been queued. Or the server has begun to close.
      if (result === 'dropped') this.onSendingFailed();
      this.amount!.addLost(size);
      return;
    }
    this.amount!.addSent(size);
    if (this.isSending) return;
    this.isSending = true;
    if (senders.push(this) === 1) this.shared.scheduler.afterFlush(endTurnOfSenders);
  }

  /** The turn in which something was sent is over, and what was sent is written. */
  onTurnEnded(): void {
    this.isSending = false;
    this.amount!.endTurn(this.connection === null ? 0 : this.connection.queuedBytes);
  }

  onReadyToSend(data: string | Uint8Array, size: number): void {
    this.amount!.addWaiting(-size);
    this.transmit(data, size);
  }

  onReadyToClose(code: number | undefined, reason: string): void {
    this.startClosing(code, reason);
  }

  onQueueEmpty(): void {
    this.queue = null;
  }

  onBlobFailed(): void {
    this.connection!.terminate();
  }

  /** @param code checked */
  close(code: number | undefined, reason: string): void {
    if (this.readyState === CONNECTING) {
      this.opening!.cancel();
      queueTask(() => this.finish(CLOSE_ABNORMAL, '', false));
    } else if (this.readyState === OPEN) {
      if (this.queue === null) this.startClosing(code, reason);
      else this.queue.addClose(code, reason);
    } else {
      return;
    }
    this.readyState = CLOSING;
  }

  private startClosing(code: number | undefined, reason: string): void {
    if (code === undefined && reason === '') this.connection!.closeWithoutCode();
    else this.connection!.close(code ?? CLOSE_NORMAL, reason);
  }

  // --- Feedback from the protocol ------------------------------------------------------------------------------------

  onOpened(opened: Opened): void {
    this.opening = null;
    this.connection = new WhatwgConnection(this.shared, opened, this, this.url);
    this.connection.start(opened.rest);
  }

  onFailed(): void {
    queueTask(() => this.finish(CLOSE_ABNORMAL, '', false));
  }

  /** Called where a task of its own has just begun: what came with the answer to the handshake comes later. */
  onEstablished({ extensions, protocol }: WhatwgConnection): void {
    startTask();
    this.readyState = OPEN;
    this.extensions = extensions;
    this.protocol = protocol;
    this.fire(new Event('open'));
  }

  onMessage(data: string | Uint8Array): void {
    // The first message of a read has this turn to itself; those behind it wait until promises are through.
    if (this.waitingMessages === 0 && startTask()) {
      this.deliver(data);
      return;
    }
    this.waitingMessages++;
    queueTask(() => {
      this.waitingMessages--;
      this.deliver(data);
    });
  }

  private deliver(data: string | Uint8Array): void {
    if (this.readyState !== OPEN) return;
    if (this.origin === '') this.origin = new URL(this.url).origin;
    this.fire(new MessageEvent('message', { data: this.expose(data), origin: this.origin }));
  }

  private expose(data: string | Uint8Array): string | Blob | ArrayBuffer {
    if (typeof data === 'string') return data;
    // Memory of its own, as long as the message.
    return this.binaryType === 'blob' ? new Blob([data]) : (data.buffer as ArrayBuffer);
  }

  onClosingStarted(): void {
    if (this.readyState !== OPEN) return;
    queueTask(() => {
      if (this.readyState === OPEN) this.readyState = CLOSING;
    });
  }

  /** What is queued will not be transmitted, but is counted for ever. */
  onSendingFailed(): void {
    this.amount?.freeze(Infinity);
    this.queue?.discard();
    this.queue = null;
  }

  onClosed({ isCloseReceived, queuedBytes }: WhatwgConnection, code: number, reason: string, wasClean: boolean): void {
    if (wasClean) this.amount?.freeze(queuedBytes);
    this.onSendingFailed();
    if (isCloseReceived) queueTask(() => this.finish(code, reason, wasClean));
    else queueTask(() => this.finish(CLOSE_ABNORMAL, '', false));
  }

  private finish(code: number, reason: string, wasClean: boolean): void {
    this.opening = null;
    this.connection = null;
    this.readyState = CLOSED;
    // To lose the connection is to fail it (RFC 6455 §7.2.1).
    if (!wasClean) this.fire(new Event('error'));
    this.fire(newCloseEvent({ wasClean, code, reason }));
  }

  /** Listeners that throw are reported as uncaught by EventTarget, and nothing comes out here. */
  private fire(event: Event): void {
    dispatchEvent.call(this.target, event);
  }
}

/** Who sent something in this turn of the event loop. */
let senders: WebSocketCore[] = [];

function endTurnOfSenders(): void {
  const ended = senders;
  senders = [];
  for (const sender of ended) sender.onTurnEnded();
}

/** Shared by all connections. */
const handlers: ClientHandlers<WebSocketCore> = {
  open: (connection) => connection.context.onEstablished(connection as WhatwgConnection<WebSocketCore>),
  message: ({ context }, data) => context.onMessage(data),
  close: (connection, code, reason, wasClean) =>
    connection.context.onClosed(connection as WhatwgConnection<WebSocketCore>, code, reason, wasClean),
  error: (_, { code, cause }) => {
    // Everything else is told by the events, which must not say why (WebSockets Standard, §4).
    if (code === 'PB_HANDLER_FAILED') throw cause;
  },
};

function isBlob(data: Sendable): data is Blob {
  return typeof data !== 'string' && !(data instanceof Uint8Array);
}

function sizeOf(data: Sendable): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  return isBlob(data) ? sizeOfBlob(data) : data.length;
}
