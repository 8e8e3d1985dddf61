import { type MessageOpcode, OPCODE_BINARY, OPCODE_CLOSE, OPCODE_PING, OPCODE_TEXT } from '../protocol/opcodes.ts';
import type { DeflateParameters } from '../protocol/permessage-deflate.ts';
import { FIN } from '../protocol/sender.ts';
import { bytesOf, checkFragmentSize, checkKind, checkPrepared, checkStreamOptions, pingPayload } from './arguments.ts';
import type { ByteStream } from './byte-stream.ts';
import type { MessageKind, SendData, SendOptions, SendResult } from './connection.ts';
import type { Deadlines } from './deadlines.ts';
import { type ConnectionErrorCode, UsageError, type WebSocketError } from './errors.ts';
import { keepIdle } from './idle-halves.ts';
import { lentText } from './inbox.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';
import { PreparedMessage } from './prepared-message.ts';
import { closedError, Pressure, type PressureOwner } from './pressure.ts';
import { type PipelineOwner, SendPipeline } from './send-pipeline.ts';
import { MAX_FRAGMENT, SendStream } from './send-stream.ts';
import type { Agreement, ConnectionShared } from './shared.ts';

const encoder = new TextEncoder();

/**
 * What a connection sends. The other half of one class, and not a part that it is made of: ten thousand connections
 * would have one more object each, and every message one more call.
 */
export abstract class ConnectionOutput implements OutboxOwner, PipelineOwner, PressureOwner {
  readonly shared: ConnectionShared<never>;
  readonly stream: ByteStream;
  protected readonly agreement: Agreement;
  /** Null while there is nothing to write. */
  protected outbox: Outbox | null = null;
  /** Made for the first message that is compressed, fragmented or sent in parts. */
  protected pipeline: SendPipeline | null = null;
  /** Null until output has waited for the first time. */
  protected pressure: Pressure | null = null;
  isReading = false;
  protected messagesOut = 0;
  protected bytesOut = 0;

  abstract readonly deadlines: Deadlines;
  abstract readonly isOpen: boolean;
  abstract readonly isClosed: boolean;
  /** We failed the connection. */
  abstract readonly isFailed: boolean;
  /** Why the connection failed, or was cut. */
  abstract readonly failure: WebSocketError | undefined;

  constructor(shared: ConnectionShared<never>, stream: ByteStream, agreement: Agreement) {
    this.shared = shared;
    this.stream = stream;
    this.agreement = agreement;
  }

  abstract fail(code: ConnectionErrorCode, options?: { detail?: string; cause?: unknown }): boolean;
  abstract onCloseWritten(): void;
  abstract pauseForOutput(): void;
  abstract resumeAfterOutput(): void;
  /** Everything that the stream held is written; more may wait behind a message in parts. */
  protected abstract onStreamWritten(): void;
  /** Everything that was sent is written. */
  protected abstract onAllWritten(): void;
  /** The stream is ended as soon as that is so. */
  protected abstract readonly endsWhenWritten: boolean;

  get deflateParameters(): DeflateParameters | null {
    return this.agreement.deflate;
  }

  get queuedBytes(): number {
    const inOutbox = this.outbox === null ? this.stream.queuedBytes : this.outbox.queuedBytes;
    return inOutbox + this.deferredBytes;
  }

  send(data: SendData, kind?: MessageKind, options?: SendOptions): SendResult {
    if (!this.isOpen) return 'closed';
    if (this.pressure !== null && this.pressure.isHeld && this.isQueueFull()) return 'dropped';
    let length: number;
    if (this.agreement.deflate !== null || options !== undefined || this.isDeferring) {
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
    if (this.pressure !== null && this.pressure.isHeld && this.isQueueFull()) return 'dropped';
    checkPrepared(message);
    const isPlain = this.agreement.deflate === null || message.compress === false;
    if (isPlain && this.shared.role === 'server' && !this.isDeferring)
      this.acquireOutbox().addShared(message.plainVariant());
    else this.ensurePipeline().sendPrepared(message);
    return this.countSent(message.payloadLength);
  }

  sendLine(line: string): SendResult {
    if (this.agreement.deflate !== null || this.shared.role !== 'server' || this.isDeferring) {
      return this.sendPrepared(new PreparedMessage(OPCODE_TEXT, line, undefined, true));
    }
    if (!this.isOpen) return 'closed';
    if (this.pressure !== null && this.pressure.isHeld && this.isQueueFull()) return 'dropped';
    return this.countSent(this.acquireOutbox().addLine(line));
  }

  sendStream(kind: MessageKind = 'binary', options?: SendOptions): WritableStream<SendData> {
    const opcode = checkKind(kind) === 'text' ? OPCODE_TEXT : OPCODE_BINARY;
    const pipeline = this.ensurePipeline();
    const stream = new SendStream(pipeline, opcode, checkStreamOptions(options, MAX_FRAGMENT));
    if (this.isOpen) pipeline.sendStream(stream);
    else stream.cut(this.failure ?? closedError());
    return stream.writable;
  }

  async drained(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.outbox?.flush();
    if (this.isClosed) throw closedError();
    if (!this.isWaiting) return;
    await (this.pressure ??= new Pressure(this)).wait(signal);
  }

  ping(data?: string | Uint8Array): void {
    const payload = pingPayload(data);
    if (this.isOpen) this.acquireOutbox().addFrame(FIN | OPCODE_PING, payload, 0, payload.length);
  }

  private get isDeferring(): boolean {
    return this.pipeline !== null && this.pipeline.isBusy;
  }

  /** Not everything that was sent is written. This turn's output is not looked at. */
  get isWaiting(): boolean {
    return this.heldBytes > 0 || (this.pipeline !== null && this.pipeline.isWaiting);
  }

  get waitingBytes(): number {
    return this.heldBytes + this.deferredBytes;
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
    this.countOutput(1, length);
    if (this.deferredBytes > this.shared.sendHighWaterMark) this.onOutboxHeld();
    return this.isOverHighWater ? 'queued' : 'sent';
  }

  countOutput(messages: number, bytes: number): void {
    const { traffic } = this.shared;
    this.messagesOut += messages;
    this.bytesOut += bytes;
    traffic.messagesOut += messages;
    traffic.bytesOut += bytes;
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
    (this.pressure ??= new Pressure(this)).hold();
  }

  onDrain(): void {
    if (this.outbox === null) this.onOutboxProgress();
    else this.outbox.onStreamDrained();
  }

  onOutboxProgress(): void {
    if (this.pipeline !== null && this.heldBytes === 0) this.onStreamWritten();
    if (this.isWaiting) {
      this.deadlines.noteProgress();
      return;
    }
    this.onAllWritten();
    this.pressure?.end();
  }

  onPipelineProgress(): void {
    // Where nobody waits for it, it is written with the rest of this turn.
    if (!this.pressure?.isNoticed && !this.endsWhenWritten) return;
    this.outbox?.flush();
    this.onOutboxProgress();
  }

  writeOutput(): boolean {
    this.outbox?.flush();
    if (this.heldBytes === 0) return true;
    this.deadlines.noteProgress();
    return false;
  }

  protected addCloseFrame(body: Uint8Array): void {
    if (this.isDeferring) {
      this.pipeline!.sendClose(body);
    } else {
      this.acquireOutbox().addFrame(FIN | OPCODE_CLOSE, body, 0, body.length);
      this.onCloseWritten();
    }
  }

  /** Output is held, because the peer does not read, and that has consequences. */
  get isHeld(): boolean {
    const { pressure, pipeline } = this;
    if (pressure === null || !pressure.isHeld || this.shared.slowConsumer === 'drop' || this.isFailed) return false;
    // What waits for a message in parts does not wait for the peer.
    return this.heldBytes > 0 || pipeline === null || !pipeline.isStreaming;
  }

  protected get isOverHighWater(): boolean {
    return this.pressure !== null && this.pressure.isOverHighWater;
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
