import { copyBytes } from '../protocol/bytes.ts';
import { type ControlOpcode, OPCODE_PING } from '../protocol/opcodes.ts';
import { checkCloseArguments } from './arguments.ts';
import type { ByteStream, ByteStreamHandler } from './byte-stream.ts';
import { Closing, type ClosingOwner } from './closing.ts';
import type {
  Connection,
  ConnectionState,
  MessageData,
  MessageKind,
  SendData,
  StreamedMessage,
  Traffic,
} from './connection.ts';
import { ConnectionOutput } from './connection-output.ts';
import { type DeadlineOwner, Deadlines } from './deadlines.ts';
import { type ConnectionErrorCode, UsageError, WebSocketError } from './errors.ts';
import {
  callHandler,
  type HandlerOwner,
  isEndOfConnection,
  reportError,
  throwUncaught,
  watchResult,
} from './handler-calls.ts';
import { keepIdle } from './idle-halves.ts';
import {
  Inbox,
  type InboxOwner,
  PAUSED_BY_APPLICATION,
  PAUSED_BY_CHOICE,
  PAUSED_BY_OUTPUT,
  PAUSED_BY_PULLING,
} from './inbox.ts';
import { closedError } from './pressure.ts';
import type { Agreement, ConnectionShared } from './shared.ts';
import { closeInfoOf, WebStreams, type WebStreamsOwner } from './web-streams.ts';

/** Inside the `open` handler. */
const OPENING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const STATES: readonly ConnectionState[] = ['open', 'open', 'closing', 'closed'];

/** The connection whose `open` handler is running; it may be closing already, over capacity. */
let beingOpened: unknown;

/**
 * A connection after the handshake: ties the two halves and the deadlines together, and does the closing handshake.
 * It knows its stream only as a {@link ByteStream}.
 */
export class ConnectionCore<Context>
  extends ConnectionOutput
  implements
    Connection<Context>,
    ByteStreamHandler,
    InboxOwner,
    WebStreamsOwner,
    ClosingOwner,
    HandlerOwner,
    DeadlineOwner
{
  context: Context;

  readonly deadlines: Deadlines;
  /** Null between messages, and while nothing is remembered about receiving. */
  private inbox: Inbox | null = null;
  private status = OPENING;
  protected closing: Closing | null = null;
  /** Made for whoever asks for one of them. */
  private webStreams: WebStreams | null = null;

  private messagesIn = 0;
  private bytesIn = 0;

  constructor(shared: ConnectionShared<never>, stream: ByteStream, agreement: Agreement, context: Context) {
    super(shared, stream, agreement);
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
    callHandler(this, this.handlers.open, opening as never);
    beingOpened = outer;
    if (this.status === OPENING) this.status = OPEN;
    if (head.length === 0 || this.status === CLOSED) return;
    if (this.isReadingPaused) this.acquireInbox().keep(head);
    else this.onBytes(head, 0, head.length);
  }

  get isOpen(): boolean {
    return this.status <= OPEN;
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

  get traffic(): Traffic {
    const { messagesIn, bytesIn, messagesOut, bytesOut } = this;
    return { messagesIn, bytesIn, messagesOut, bytesOut };
  }

  // --- Receiving -----------------------------------------------------------------------------------------------------

  pause(): void {
    if (this.isOpen) this.acquireInbox().pause(PAUSED_BY_APPLICATION);
  }

  resume(): void {
    this.inbox?.resume(PAUSED_BY_APPLICATION, true);
  }

  messages(): AsyncIterableIterator<MessageData, undefined> {
    return this.chooseReceiveMode().pull();
  }

  get readable(): ReadableStream<MessageData> {
    return this.webStreams?.readable ?? this.ensureWebStreams().read(this.chooseReceiveMode().pull());
  }

  receiveStream(): AsyncIterableIterator<StreamedMessage, undefined> {
    return this.chooseReceiveMode().stream();
  }

  get writable(): WritableStream<SendData> {
    const streams = this.ensureWebStreams();
    const { writable } = streams;
    if (this.isClosed) streams.onClosed();
    return writable;
  }

  private chooseReceiveMode(): Inbox {
    const { inbox } = this;
    if ((beingOpened === this || inbox?.awaitsChoice) && !inbox?.isPulled) return this.acquireInbox();
    throw new UsageError(
      'PB_RECEIVE_MODE',
      inbox?.isPulled
        ? 'how this connection receives was chosen before: messages(), readable or receiveStream(), one of them alone'
        : 'messages(), readable and receiveStream() are for the open handler; or, where connect() was given no message ' +
            'handler, for the moment in which its promise has resolved, before anything else is awaited',
    );
  }

  /** Nothing is read until {@link endChoice}: whoever opened the connection may still choose how it receives. */
  protected beginChoice(): void {
    this.acquireInbox().pause(PAUSED_BY_CHOICE);
  }

  protected endChoice(): void {
    this.inbox?.resume(PAUSED_BY_CHOICE, false);
  }

  closeFor(reason: unknown): void {
    this.close(...closeInfoOf(reason));
  }

  streamError(failure: WebSocketError | undefined): unknown {
    return failure ?? closedError();
  }

  private ensureWebStreams(): WebStreams {
    return (this.webStreams ??= new WebStreams(this));
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
    if (this.outbox !== null) {
      // While we are closing, the stream may end before this turn does.
      if (this.isOpen) this.outbox.flushAfterRead();
      else this.outbox.flush();
    }
    if (inbox.isIdle) {
      this.inbox = null;
      inbox.leave();
      keepIdle(this.shared.idleInboxes, inbox);
    }
  }

  onMessageReceived(bytes: number): void {
    this.countInput(1, bytes);
    this.deadlines.noteMessage();
  }

  onPartReceived(bytes: number): void {
    this.countInput(0, bytes);
    this.deadlines.noteMessageProgress();
  }

  private countInput(messages: number, bytes: number): void {
    const { traffic } = this.shared;
    this.messagesIn += messages;
    this.bytesIn += bytes;
    traffic.messagesIn += messages;
    traffic.bytesIn += bytes;
  }

  onMessageData(data: MessageData, kind: MessageKind): void {
    const { handlers } = this;
    if (handlers.message === undefined) return;
    try {
      const result = handlers.message(this, data, kind);
      if (result !== undefined) watchResult(this, result);
    } catch (error) {
      this.onHandlerFailed(error);
    }
  }

  onPingOrPong(opcode: ControlOpcode, bytes: Uint8Array, start: number, end: number): void {
    const { ping, pong } = this.handlers;
    const handler = opcode === OPCODE_PING ? ping : pong;
    // RFC 6455 §5.5.2: also after our own close frame, as long as the peer's has not come.
    if (opcode === OPCODE_PING) this.acquireOutbox().addPong(bytes, start, end);
    if (handler !== undefined) callHandler(this, handler, copyBytes(bytes, start, end));
  }

  pauseForOutput(): void {
    // A peer that does not read our answers is not asked for more questions. Only one of the two may do that: a client
    // that waited with reading for a server that waits with reading for the client would wait for ever.
    if (this.shared.role === 'server' && !this.isRelaying) this.acquireInbox().pause(PAUSED_BY_OUTPUT);
  }

  /**
   * A message is sent in parts, and others wait behind it, while the application asks for each message that is read:
   * its parts may come of those, and must not wait for themselves.
   */
  private get isRelaying(): boolean {
    return this.pipeline !== null && this.pipeline.isStreaming && this.inbox !== null && this.inbox.isPulled;
  }

  protected onStreamWritten(): void {
    this.pipeline!.onWritten();
    if (this.isRelaying) this.inbox!.resume(PAUSED_BY_OUTPUT, true);
  }

  resumeAfterOutput(): void {
    callHandler(this, this.handlers.drain);
    if (!this.isOverHighWater) this.inbox?.resume(PAUSED_BY_OUTPUT, false);
  }

  // --- Closing -------------------------------------------------------------------------------------------------------

  close(code?: number, reason?: string): void {
    const checked = checkCloseArguments(code, reason);
    if (!this.isOpen) return;
    this.beginClosing().start(checked.code, checked.reason);
  }

  terminate(): void {
    if (this.status !== CLOSED) this.beginClosing().terminate();
  }

  onCloseFrame(bytes: Uint8Array, start: number, end: number): void {
    const wasOpen = this.isOpen;
    this.beginClosing().onCloseFrame(bytes, start, end, wasOpen);
  }

  protected beginClosing(): Closing {
    if (this.closing === null) {
      this.closing = new Closing(this);
      this.status = CLOSING;
    }
    return this.closing;
  }

  sendClose(body: Uint8Array): void {
    // To see the peer's close frame, everything before it has to be read.
    this.inbox?.resume(PAUSED_BY_APPLICATION | PAUSED_BY_PULLING, true);
    this.addCloseFrame(body);
  }

  onCloseWritten(): void {
    this.outbox?.flush();
    this.closing!.onCloseWritten();
  }

  endMessages(error: WebSocketError | undefined): void {
    this.acquireInbox().end(error);
    this.pipeline?.cutStreams(error ?? closedError());
  }

  get failure(): WebSocketError | undefined {
    return this.closing?.error;
  }

  fail(code: ConnectionErrorCode, options?: { detail?: string; cause?: unknown }): boolean {
    if (this.isClosed || this.isFailed) return false;
    const wasOpen = this.isOpen;
    return this.beginClosing().fail(new WebSocketError(code, options), wasOpen);
  }

  get isFailed(): boolean {
    return this.closing !== null && this.closing.failed;
  }

  protected get endsWhenWritten(): boolean {
    return this.closing !== null && this.closing.endWhenWritten;
  }

  protected onAllWritten(): void {
    if (this.endsWhenWritten) this.closing!.finishStream();
  }

  onQuiet(): void {
    this.closing!.endStream();
  }

  onCloseTimeout(): void {
    if (!this.closing?.isClean) this.fail('PB_CLOSE_TIMEOUT');
    this.stream.destroy();
  }

  onEnd(): void {
    const closing = this.beginClosing();
    closing.onStreamEnd();
    this.outbox?.flush();
    closing.endStream();
  }

  onClose(cause: Error | undefined): void {
    if (this.status === CLOSED) return;
    const closing = this.beginClosing();
    closing.onStreamGone(cause);
    this.status = CLOSED;
    this.deadlines.cancel();
    this.inbox?.release(closing.error);
    this.outbox?.release();
    this.pipeline?.release(closing.error ?? closedError());
    if (this.agreement.deflate !== null) this.shared.deflate!.releaseTakeover(this.agreement.deflate);
    this.webStreams?.onClosed();
    this.pressure?.wake();
    this.shared.onClosed(this as never, closing.code);
    callHandler(this, this.handlers.close, closing.code, closing.reason, closing.isClean);
  }

  onHandlerFailed(cause: unknown): void {
    // A handler waited for this connection when it ended; that was told already by `error` and `close`.
    if (this.status !== OPEN && isEndOfConnection(cause)) return;
    const isReported =
      this.isClosed || this.isFailed
        ? this.report(new WebSocketError('PB_HANDLER_FAILED', { cause }))
        : this.fail('PB_HANDLER_FAILED', { cause });
    // A fault of the application is never swallowed.
    if (!isReported) throwUncaught(cause);
  }

  report(error: WebSocketError): boolean {
    return reportError(this, this.handlers.error, error);
  }

  // --- What the deadlines ask ----------------------------------------------------------------------------------------

  get isClosed(): boolean {
    return this.status === CLOSED;
  }

  get isLingering(): boolean {
    return this.closing !== null && this.closing.isLingering;
  }

  get isReadingPaused(): boolean {
    return this.inbox !== null && this.inbox.isPaused;
  }

  get isInsideMessage(): boolean {
    return this.inbox !== null && this.inbox.isInsideMessage;
  }

  private acquireInbox(): Inbox {
    if (this.inbox !== null) return this.inbox;
    const idle = this.shared.idleInboxes.pop();
    if (idle === undefined) return (this.inbox = new Inbox(this));
    idle.serve(this);
    return (this.inbox = idle);
  }
}
