import { copyBytes } from '../protocol/bytes.ts';
import { CLOSE_ABNORMAL, CLOSE_NO_STATUS } from '../protocol/close-codes.ts';
import {
  type ControlOpcode,
  type MessageOpcode,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_PING,
  OPCODE_TEXT,
} from '../protocol/opcodes.ts';
import type { DeflateParameters } from '../protocol/permessage-deflate.ts';
import { encodeCloseBody, FIN } from '../protocol/sender.ts';
import { bytesOf, checkCloseArguments, checkFragmentSize, pingPayload } from './arguments.ts';
import type { ByteStream, ByteStreamHandler } from './byte-stream.ts';
import { Closing } from './closing.ts';
import type {
  Connection,
  ConnectionState,
  MessageData,
  MessageKind,
  SendData,
  SendOptions,
  SendResult,
  Traffic,
} from './connection.ts';
import { type DeadlineOwner, Deadlines } from './deadlines.ts';
import { type ConnectionErrorCode, UsageError, WebSocketError } from './errors.ts';
import {
  Inbox,
  type InboxOwner,
  lentText,
  PAUSED_BY_APPLICATION,
  PAUSED_BY_OUTPUT,
  PAUSED_BY_PULLING,
} from './inbox.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';
import type { PreparedMessage } from './prepared-message.ts';
import { type PipelineOwner, SendPipeline } from './send-pipeline.ts';
import type { Agreement, ConnectionShared } from './shared.ts';
import { BYTES_IN, BYTES_OUT, MESSAGES_IN, MESSAGES_OUT } from './traffic.ts';

/** Inside the `open` handler. */
const OPENING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const STATES: readonly ConnectionState[] = ['open', 'open', 'closing', 'closed'];

const NO_PRESSURE = 0;
/** What was sent waits: for the peer to take it, or, where that is a lot, for its compression. */
const HELD = 1;
/** More than the high-water mark waits: nothing is read until it is written. */
const OVER_HIGH_WATER = 2;

/** The connection whose `open` handler is running; it may be closing already, over capacity. */
let beingOpened: unknown;

const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * A connection after the handshake: ties the two halves and the deadlines together, and does the closing handshake.
 * It knows its stream only as a {@link ByteStream}.
 */
export class ConnectionCore<Context>
  implements Connection<Context>, ByteStreamHandler, InboxOwner, OutboxOwner, PipelineOwner, DeadlineOwner
{
  context: Context;

  readonly shared: ConnectionShared<never>;
  readonly stream: ByteStream;
  readonly deadlines: Deadlines;
  private readonly agreement: Agreement;
  /** Null between messages, and while nothing is remembered about receiving. */
  private inbox: Inbox | null = null;
  /** Null while there is nothing to write. */
  private outbox: Outbox | null = null;
  /** Made for the first message that is compressed or fragmented. */
  private pipeline: SendPipeline | null = null;

  private status = OPENING;
  protected closing: Closing | null = null;
  private pressure = NO_PRESSURE;
  private drainWaiters: (() => void)[] | null = null;
  isReading = false;

  private messagesIn = 0;
  private bytesIn = 0;
  private messagesOut = 0;
  private bytesOut = 0;

  constructor(shared: ConnectionShared<never>, stream: ByteStream, agreement: Agreement, context: Context) {
    this.shared = shared;
    this.stream = stream;
    this.agreement = agreement;
    this.context = context;
    this.deadlines = new Deadlines(this);
  }

  /**
   * Takes the stream over and opens.
   * @param head bytes that came with the handshake; nobody else uses them
   * @param opening handed to the `open` handler beside the connection
   */
  start(head: Uint8Array, opening?: unknown): void {
    this.stream.attach(this);
    const outer = beingOpened;
    beingOpened = this;
    this.callHandler(this.handlers.open, opening as never);
    beingOpened = outer;
    if (this.status === OPENING) this.status = OPEN;
    if (head.length === 0 || this.status === CLOSED) return;
    if (this.isReadingPaused) this.acquireInbox().keep(head);
    else this.onBytes(head, 0, head.length);
  }

  get isOpen(): boolean {
    return this.status <= OPEN;
  }

  get deflateParameters(): DeflateParameters | null {
    return this.agreement.deflate;
  }

  /** The handlers as they are: of connections like this one. */
  private get handlers(): ConnectionShared<this>['handlers'] {
    return this.shared.handlers as ConnectionShared<this>['handlers'];
  }

  get state(): ConnectionState {
    return STATES[this.status]!;
  }

  get protocol(): string {
    return this.agreement.protocol;
  }

  get extensions(): string {
    return this.agreement.extensions;
  }

  get queuedBytes(): number {
    const inOutbox = this.outbox === null ? this.stream.queuedBytes : this.outbox.queuedBytes;
    return inOutbox + this.deferredBytes;
  }

  get traffic(): Traffic {
    const { messagesIn, bytesIn, messagesOut, bytesOut } = this;
    return { messagesIn, bytesIn, messagesOut, bytesOut };
  }

  // --- Sending -------------------------------------------------------------------------------------------------------

  send(data: SendData, kind?: MessageKind, options?: SendOptions): SendResult {
    if (!this.isOpen) return 'closed';
    if (this.pressure !== NO_PRESSURE && this.isQueueFull()) return 'dropped';
    let length: number;
    if (this.agreement.deflate !== null || options !== undefined) {
      length = this.sendThroughPipeline(data, kind, options);
    } else if (typeof data === 'string') {
      length = this.acquireOutbox().addText(kind === 'binary' ? OPCODE_BINARY : OPCODE_TEXT, data);
    } else {
      const bytes = bytesOf(data);
      length = bytes.length;
      this.acquireOutbox().addFrame(FIN | this.opcodeFor(bytes, kind), bytes, 0, length);
    }
    return this.countSent(length);
  }

  sendPrepared(message: PreparedMessage): SendResult {
    if (!this.isOpen) return 'closed';
    if (this.pressure !== NO_PRESSURE && this.isQueueFull()) return 'dropped';
    const isPlain = this.agreement.deflate === null || message.compress === false;
    if (isPlain && this.shared.role === 'server' && !this.isDeferring)
      this.acquireOutbox().addShared(message.plainVariant());
    else this.ensurePipeline().sendPrepared(message);
    return this.countSent(message.payload.length);
  }

  async drained(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.outbox?.flush();
    if (this.status === CLOSED) throw closedError();
    if (!this.isWaiting) return;
    await new Promise<void>((resolve, reject) => {
      const waiter = (): void => {
        signal?.removeEventListener('abort', onAbort);
        if (this.status === CLOSED) reject(closedError());
        else resolve();
      };
      const onAbort = (): void => {
        this.drainWaiters = this.drainWaiters?.filter((other) => other !== waiter) ?? null;
        reject(signal!.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      (this.drainWaiters ??= []).push(waiter);
    });
  }

  ping(data?: string | Uint8Array): void {
    const payload = pingPayload(data);
    if (this.isOpen) this.acquireOutbox().addFrame(FIN | OPCODE_PING, payload, 0, payload.length);
  }

  private get isDeferring(): boolean {
    return this.pipeline !== null && this.pipeline.isBusy;
  }

  /** Not everything that was sent is written. This turn's output is not looked at. */
  private get isWaiting(): boolean {
    return this.heldBytes > 0 || this.isDeferring;
  }

  private get deferredBytes(): number {
    return this.pipeline === null ? 0 : this.pipeline.waitingBytes;
  }

  private opcodeFor(bytes: Uint8Array, kind: MessageKind | undefined): MessageOpcode {
    if (kind !== 'text') return OPCODE_BINARY;
    // RFC 6455 §8.1 holds for senders too.
    if (bytes !== lentText && !this.shared.platform.isUtf8(bytes, 0, bytes.length)) {
      throw new UsageError('PB_DATA_TYPE', 'cannot send these bytes as text: they are not UTF-8; send them as binary');
    }
    return OPCODE_TEXT;
  }

  private sendThroughPipeline(data: SendData, kind: MessageKind | undefined, options: SendOptions | undefined): number {
    const isString = typeof data === 'string';
    const bytes = isString ? encoder.encode(data) : bytesOf(data);
    const opcode = isString && kind !== 'binary' ? OPCODE_TEXT : this.opcodeFor(bytes, isString ? 'binary' : kind);
    const compress = options?.compress ?? bytes.length >= (this.shared.deflate?.threshold ?? Infinity);
    this.ensurePipeline().send(opcode, bytes, compress, checkFragmentSize(options?.fragmentSize));
    return bytes.length;
  }

  private ensurePipeline(): SendPipeline {
    return (this.pipeline ??= new SendPipeline(this));
  }

  private countSent(length: number): SendResult {
    const { traffic } = this.shared;
    this.messagesOut++;
    this.bytesOut += length;
    traffic[MESSAGES_OUT]!++;
    traffic[BYTES_OUT]! += length;
    if (this.deferredBytes > this.shared.sendHighWaterMark) this.onOutboxHeld();
    return this.isOverHighWater ? 'queued' : 'sent';
  }

  /** The queue is at its limit: the slow-consumer policy applies. */
  private isQueueFull(): boolean {
    const { maxQueuedBytes, slowConsumer } = this.shared;
    const { queuedBytes } = this;
    if (queuedBytes < maxQueuedBytes) return false;
    if (slowConsumer !== 'drop') this.onSlowConsumer(`${queuedBytes} bytes are queued, the limit is ${maxQueuedBytes}`);
    return true;
  }

  onWriteTimeout(): void {
    if (this.shared.slowConsumer !== 'drop') this.onSlowConsumer('what is queued makes no progress');
  }

  private onSlowConsumer(detail: string): void {
    // Memory first: only what is half written has to stay.
    this.outbox?.discard();
    this.pipeline?.discard();
    this.fail('PB_SLOW_CONSUMER', { detail });
    if (this.shared.slowConsumer === 'terminate') this.stream.destroy();
  }

  onOutboxHeld(): void {
    if (this.pressure === NO_PRESSURE) {
      this.pressure = HELD;
      this.deadlines.noteProgress();
    }
    if (this.pressure === HELD && this.heldBytes + this.deferredBytes > this.shared.sendHighWaterMark) {
      this.pressure = OVER_HIGH_WATER;
      // A peer that does not read our answers is not asked for more questions. Only one of the two may do that: a client
      // that waited with reading for a server that waits with reading for the client would wait for ever.
      if (this.shared.role === 'server') this.acquireInbox().pause(PAUSED_BY_OUTPUT);
    }
  }

  onDrain(): void {
    if (this.outbox === null) this.onOutboxProgress();
    else this.outbox.onStreamDrained();
  }

  onOutboxProgress(): void {
    if (this.isWaiting) {
      this.deadlines.noteProgress();
      return;
    }
    const wasOverHighWater = this.isOverHighWater;
    this.pressure = NO_PRESSURE;
    if (this.closing?.endWhenWritten) this.stream.end();
    if (wasOverHighWater) {
      this.callHandler(this.handlers.drain);
      // The handler may have sent as much again.
      if (!this.isOverHighWater) this.inbox?.resume(PAUSED_BY_OUTPUT, false);
    }
    // Again: so may whoever got messages now.
    if (!this.isWaiting) this.endWaiting();
  }

  onPipelineProgress(): void {
    // Where nobody waits for it, it is written with the rest of this turn.
    if (this.pressure === NO_PRESSURE && this.drainWaiters === null && !this.closing?.endWhenWritten) return;
    this.outbox?.flush();
    this.onOutboxProgress();
  }

  /** Wakes whoever waits in {@link drained}. */
  private endWaiting(): void {
    const waiters = this.drainWaiters;
    this.drainWaiters = null;
    for (const waiter of waiters ?? []) waiter();
  }

  // --- Receiving -----------------------------------------------------------------------------------------------------

  pause(): void {
    if (this.isOpen) this.acquireInbox().pause(PAUSED_BY_APPLICATION);
  }

  resume(): void {
    this.inbox?.resume(PAUSED_BY_APPLICATION, true);
  }

  messages(): AsyncIterableIterator<MessageData> {
    if (beingOpened !== this || this.inbox?.puller) {
      throw new UsageError('PB_RECEIVE_MODE', 'messages() must be called once, inside the open handler');
    }
    return this.acquireInbox().pull();
  }

  onPullingStopped(): void {
    this.close();
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.deadlines.noteReceived();
    const inbox = this.acquireInbox();
    this.isReading = true;
    inbox.take(bytes, start, end);
    this.isReading = false;
    if (this.outbox !== null) this.outbox.flush();
    if (inbox.isIdle) {
      this.inbox = null;
      inbox.leave();
      keepIdle(this.shared.idleInboxes, inbox);
    }
  }

  onMessageReceived(bytes: number): void {
    const { traffic } = this.shared;
    this.messagesIn++;
    this.bytesIn += bytes;
    traffic[MESSAGES_IN]!++;
    traffic[BYTES_IN]! += bytes;
    this.deadlines.noteMessage();
  }

  onMessageData(data: MessageData, kind: MessageKind): void {
    const { handlers } = this;
    if (handlers.message === undefined) return;
    try {
      const result = handlers.message(this, data, kind);
      if (result !== undefined) this.watch(result);
    } catch (error) {
      this.onHandlerFailed(error);
    }
  }

  onPingOrPong(opcode: ControlOpcode, bytes: Uint8Array, start: number, end: number): void {
    const { ping, pong } = this.handlers;
    const handler = opcode === OPCODE_PING ? ping : pong;
    // RFC 6455 §5.5.2: also after our own close frame, as long as the peer's has not come.
    if (opcode === OPCODE_PING) this.acquireOutbox().addPong(bytes, start, end);
    if (handler !== undefined) this.callHandler(handler, copyBytes(bytes, start, end));
  }

  // --- Closing -------------------------------------------------------------------------------------------------------

  close(code?: number, reason?: string): void {
    const checked = checkCloseArguments(code, reason);
    if (!this.isOpen) return;
    const closing = this.beginClosing();
    closing.code = checked.code;
    closing.reason = checked.reason;
    this.sendClose(encodeCloseBody(checked.code, checked.reason, this.shared.platform));
  }

  terminate(): void {
    if (this.status === CLOSED) return;
    const closing = this.beginClosing();
    if (!closing.received) closing.code = CLOSE_ABNORMAL;
    this.acquireInbox().end();
    this.stream.destroy();
  }

  onCloseFrame(bytes: Uint8Array, start: number, end: number): void {
    // Nothing counts after a close frame (RFC 6455 §5.5.1).
    this.acquireInbox().end();
    const wasOpen = this.isOpen;
    const closing = this.beginClosing();
    const hasCode = end > start;
    closing.received = true;
    closing.code = hasCode ? (bytes[start]! << 8) | bytes[start + 1]! : CLOSE_NO_STATUS;
    closing.reason = hasCode ? this.shared.platform.decodeUtf8(bytes, start + 2, end) : '';
    this.inbox?.puller?.end(undefined);
    // The answer usually echoes the code (RFC 6455 §5.5.1).
    if (wasOpen) this.sendClose(hasCode ? copyBytes(bytes, start, start + 2) : EMPTY);
    else this.endIfDone();
  }

  protected beginClosing(): Closing {
    if (this.closing === null) {
      this.closing = new Closing();
      this.status = CLOSING;
      this.deadlines.noteClosing();
    }
    return this.closing;
  }

  protected sendClose(body: Uint8Array): void {
    // To see the peer's close frame, everything before it has to be read.
    this.inbox?.resume(PAUSED_BY_APPLICATION | PAUSED_BY_PULLING, true);
    if (this.isDeferring) {
      this.pipeline!.sendClose(body);
    } else {
      this.acquireOutbox().addFrame(FIN | OPCODE_CLOSE, body, 0, body.length);
      this.onCloseWritten();
    }
  }

  onCloseWritten(): void {
    this.closing!.sent = true;
    this.outbox?.flush();
    this.endIfDone();
  }

  /** Both close frames are through: the server ends the TCP connection first (RFC 6455 §7.1.1). */
  private endIfDone(): void {
    const { sent, received, failed } = this.closing!;
    if (!sent) return;
    if (received && (failed || this.shared.role === 'server')) this.endStream();
    else if (failed) this.deadlines.noteLingering();
  }

  /**
   * A peer that is still sending would lose our close frame behind a proxy, which resets one side when the other has
   * ended. So the stream of a failed connection ends when nothing has come for a moment.
   */
  get isLingering(): boolean {
    const { closing } = this;
    return closing !== null && closing.failed && closing.sent && !closing.received && !closing.endWhenWritten;
  }

  onQuiet(): void {
    this.endStream();
  }

  private endStream(): void {
    this.closing!.endWhenWritten = true;
    if (!this.isWaiting) this.stream.end();
  }

  /** Fails the connection (RFC 6455 §7.1.7): says why, sends the close code, and takes nothing more. */
  fail(code: ConnectionErrorCode, options?: { detail?: string; cause?: unknown }): boolean {
    if (this.status === CLOSED || this.closing?.failed) return false;
    const error = new WebSocketError(code, options);
    const { closeCode, message } = error;
    const wasOpen = this.isOpen;
    const closing = this.beginClosing();
    closing.failed = true;
    if (!closing.received) {
      closing.code = closeCode;
      closing.reason = closeCode === CLOSE_ABNORMAL ? '' : message;
    }
    this.acquireInbox().end();
    this.inbox?.puller?.end(error);
    const isReported = this.report(error);
    if (closeCode === CLOSE_ABNORMAL) this.stream.destroy();
    else if (wasOpen) this.sendClose(encodeCloseBody(closeCode, message, this.shared.platform));
    else this.endIfDone();
    return isReported;
  }

  onCloseTimeout(): void {
    if (!this.closing?.isClean) this.fail('PB_CLOSE_TIMEOUT');
    this.stream.destroy();
  }

  onEnd(): void {
    const closing = this.beginClosing();
    if (!closing.received && !closing.failed) this.inbox?.puller?.end(new WebSocketError('PB_STREAM_ENDED'));
    this.acquireInbox().end();
    this.outbox?.flush();
    this.endStream();
  }

  onClose(cause: Error | undefined): void {
    if (this.status === CLOSED) return;
    const closing = this.beginClosing();
    if (!closing.received && !closing.failed) {
      closing.code = CLOSE_ABNORMAL;
      closing.reason = '';
      const error =
        cause === undefined ? new WebSocketError('PB_STREAM_ENDED') : new WebSocketError('PB_STREAM_FAILED', { cause });
      this.inbox?.puller?.end(error);
      if (cause !== undefined) this.report(error);
    }
    this.status = CLOSED;
    this.deadlines.cancel();
    this.inbox?.release();
    this.outbox?.release();
    this.pipeline?.release();
    if (this.agreement.deflate !== null) this.shared.deflate!.releaseTakeover(this.agreement.deflate);
    this.endWaiting();
    this.shared.onClosed(this as never, closing.code);
    this.callHandler(this.handlers.close, closing.code, closing.reason, closing.isClean);
  }

  // --- Handlers ------------------------------------------------------------------------------------------------------

  private callHandler<A extends unknown[]>(
    handler: ((connection: this, ...args: A) => unknown) | undefined,
    ...args: A
  ): void {
    if (handler === undefined) return;
    try {
      this.watch(handler(this, ...args));
    } catch (error) {
      this.onHandlerFailed(error);
    }
  }

  /** A handler may be async: its rejection is the same as a throw. */
  private watch(result: unknown): void {
    if (result instanceof Promise) result.catch((error: unknown) => this.onHandlerFailed(error));
  }

  private onHandlerFailed(cause: unknown): void {
    // A handler waited for this connection, in messages() or drained(), when it ended: no fault of the application's,
    // and told already by `error` and `close`.
    if (this.status !== OPEN && isEndOfConnection(cause)) return;
    const isReported =
      this.status === CLOSED || this.closing?.failed
        ? this.report(new WebSocketError('PB_HANDLER_FAILED', { cause }))
        : this.fail('PB_HANDLER_FAILED', { cause });
    // A fault of the application is never swallowed.
    if (!isReported) throwUncaught(cause);
  }

  /** Tells the `error` handler, if there is one; what goes wrong in there is nobody's but the application's. */
  private report(what: WebSocketError): boolean {
    const handler = this.handlers.error;
    if (handler === undefined) return false;
    let result: unknown;
    try {
      result = handler(this, what);
    } catch (failure) {
      throwUncaught(failure);
      return false;
    }
    if (result instanceof Promise) result.catch(throwUncaught);
    return true;
  }

  // --- What the deadlines ask ----------------------------------------------------------------------------------------

  get isClosed(): boolean {
    return this.status === CLOSED;
  }

  get isHeld(): boolean {
    return this.pressure !== NO_PRESSURE && this.shared.slowConsumer !== 'drop' && !this.closing?.failed;
  }

  private get isOverHighWater(): boolean {
    return this.pressure === OVER_HIGH_WATER;
  }

  get isReadingPaused(): boolean {
    return this.inbox !== null && this.inbox.isPaused;
  }

  get isInsideMessage(): boolean {
    return this.inbox !== null && this.inbox.isInsideMessage;
  }

  // --- The two halves, which an idle connection does without --------------------------------------------------------

  private acquireInbox(): Inbox {
    if (this.inbox !== null) return this.inbox;
    const idle = this.shared.idleInboxes.pop();
    if (idle === undefined) return (this.inbox = new Inbox(this));
    idle.serve(this);
    return (this.inbox = idle);
  }

  acquireOutbox(): Outbox {
    if (this.outbox !== null) return this.outbox;
    const idle = this.shared.idleOutboxes.pop();
    if (idle === undefined) return (this.outbox = new Outbox(this));
    idle.serve(this);
    return (this.outbox = idle);
  }

  onOutboxIdle(outbox: Outbox): void {
    // It may be another connection's by now: a flush that was scheduled earlier.
    if (this.outbox !== outbox) return;
    this.outbox = null;
    outbox.leave();
    keepIdle(this.shared.idleOutboxes, outbox);
  }

  /** Bytes that were written and not taken. */
  private get heldBytes(): number {
    return this.outbox === null ? this.stream.queuedBytes : this.outbox.heldBytes;
  }
}

/** More than this many halves are seldom in use at once; the rest is left to the garbage collector. */
const MOST_IDLE = 1024;

function keepIdle<Half>(idle: Half[], half: Half): void {
  if (idle.length < MOST_IDLE) idle.push(half);
}

function isEndOfConnection(cause: unknown): boolean {
  return cause instanceof WebSocketError || (cause instanceof UsageError && cause.code === 'PB_CONNECTION_CLOSED');
}

function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function closedError(): UsageError {
  return new UsageError('PB_CONNECTION_CLOSED', 'the connection closed before everything was written');
}
