import { copyBytes, viewBytes } from '../protocol/bytes.ts';
import { CONTINUE, type Flow, type FrameSink, STOP } from '../protocol/frame-sink.ts';
import { type ControlOpcode, type MessageOpcode, OPCODE_TEXT } from '../protocol/opcodes.ts';
import type { Inflater, InflateSink } from '../protocol/platform.ts';
import type { DeflateParameters } from '../protocol/permessage-deflate.ts';
import { FrameReceiver } from '../protocol/receiver.ts';
import type { ViolationCode } from '../protocol/violations.ts';
import type { ByteStream } from './byte-stream.ts';
import type { MessageData, MessageKind, StreamedMessage } from './connection.ts';
import type { Deadlines } from './deadlines.ts';
import { MessageAssembly } from './message-assembly.ts';
import { MessageStreamer, type StreamerInbox } from './message-streamer.ts';
import { Puller, type PullSource } from './puller.ts';
import type { ConnectionShared } from './shared.ts';

// Why nothing is read; bits, because several reasons can hold at once.
export const PAUSED_BY_APPLICATION = 1;
export const PAUSED_BY_PULLING = 2;
export const PAUSED_BY_OUTPUT = 4;
const PAUSED_BY_INFLATE = 8;
export const PAUSED_BY_CHOICE = 16;

/** Who gets what arrives. */
export interface InboxOwner {
  readonly shared: ConnectionShared<never>;
  readonly stream: ByteStream;
  readonly deadlines: Deadlines;
  /** What was agreed on for permessage-deflate. */
  readonly deflateParameters: DeflateParameters | null;
  /** Our close frame has not gone out, nor the peer's come in. */
  readonly isOpen: boolean;
  /** A whole message has arrived, of so many bytes that were not counted yet. */
  onMessageReceived(bytes: number): void;
  /** Some bytes of a message have arrived that nobody puts together. */
  onPartReceived(bytes: number): void;
  /** A whole message, as `receive` says. */
  onMessageData(data: MessageData, kind: MessageKind): void;
  /** A ping or pong; valid during the call. */
  onPingOrPong(opcode: ControlOpcode, bytes: Uint8Array, start: number, end: number): void;
  onCloseFrame(bytes: Uint8Array, start: number, end: number): void;
  fail(code: ViolationCode): unknown;
  /** Take bytes that were left over, as if they had just arrived. */
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  /** The consumer of `messages()` has left. */
  onPullingStopped(): void;
}

const CLOSE = 0x8;

/** Text that a handler has at the moment, with `receive: 'borrowed'`: what is sent on unchanged was checked already. */
export let lentText: Uint8Array | null = null;
const NOBODY = null as unknown as InboxOwner;

/**
 * The receiving half of a connection: frames become messages, and messages go to the handler or to whoever pulls
 * them. Also knows why reading is paused, and what was left unread when it was.
 */
export class Inbox implements FrameSink, InflateSink, PullSource, StreamerInbox {
  private owner: InboxOwner;
  private receiver: FrameReceiver;
  private inflater: Inflater | null = null;

  private paused = 0;
  private taking = false;
  private ended = false;
  /** Why it ended, unless it did so cleanly. */
  private failure: unknown;
  /** A microtask is on its way that reads on. */
  private isResuming = false;
  private remainder: Uint8Array | null = null;
  /** What is being taken is what was left over: memory of our own. */
  private ownsBytes = false;

  /** Of the message that is being assembled or inflated. */
  private opcode: MessageOpcode = OPCODE_TEXT;
  private assembly: MessageAssembly | null = null;
  private puller: Puller<MessageData> | null = null;
  private streamer: MessageStreamer | null = null;

  constructor(owner: InboxOwner) {
    const { role, limits, platform } = owner.shared;
    this.owner = owner;
    this.receiver = new FrameReceiver(this, role, limits, platform, owner.deflateParameters !== null);
  }

  /** Goes on with another connection. Only where {@link isIdle}: then nothing of the old one is left. */
  serve(owner: InboxOwner): void {
    this.owner = owner;
    this.receiver.serve(this, owner.deflateParameters !== null);
  }

  /** Nobody is served any more: a connection that is over is not kept by what it once used. */
  leave(): void {
    this.owner = NOBODY;
  }

  /** Between two messages, with nothing to remember: the connection needs no inbox until the next byte comes. */
  get isIdle(): boolean {
    return (
      this.paused === 0 &&
      this.remainder === null &&
      this.inflater === null &&
      !this.isPulled &&
      !this.isResuming &&
      !this.ended &&
      this.receiver.isIdle
    );
  }

  get isPaused(): boolean {
    return this.paused !== 0;
  }

  /** Nothing is read yet, because it may still be chosen who gets it. */
  get awaitsChoice(): boolean {
    return (this.paused & PAUSED_BY_CHOICE) !== 0;
  }

  get isInsideMessage(): boolean {
    return this.assembly !== null || (this.streamer !== null && this.streamer.isInsideMessage);
  }

  /** Messages go to somebody who asks for them, not to the handler. */
  get isPulled(): boolean {
    return this.puller !== null || this.streamer !== null;
  }

  /** Takes bytes; what a pause leaves over is kept for later. */
  take(bytes: Uint8Array, start: number, end: number): void {
    if (this.ended) return;
    this.taking = true;
    const taken = this.receiver.push(bytes, start, end);
    this.taking = false;
    if (this.paused === 0 || this.ended) return;
    this.remainder = this.rest(bytes, taken, end);
    this.owner.stream.pause();
  }

  /**
   * What is left over, in memory of our own. Where it is that already, it is copied only when half of it is through:
   * a thousand small messages, each followed by a pause, are not a thousand copies of what remains.
   */
  private rest(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const isMostOfIt = (end - start) * 2 >= bytes.buffer.byteLength;
    return this.ownsBytes && isMostOfIt ? bytes.subarray(start, end) : copyBytes(bytes, start, end);
  }

  /** Keeps bytes that came before anybody may take them. */
  keep(bytes: Uint8Array): void {
    this.remainder = bytes;
  }

  pause(reason: number): void {
    if (this.ended) return;
    this.paused |= reason;
    if (!this.taking) this.owner.stream.pause();
  }

  /** @param later not from inside this call, whose caller does not expect its handlers to run before it returns */
  resume(reasons: number, later: boolean): void {
    if ((this.paused & reasons) === 0) return;
    this.paused &= ~reasons;
    if (this.paused !== 0) return;
    this.owner.deadlines.noteResumed();
    if (this.taking) return;
    if (!later) this.readOn();
    else if (!this.isResuming) {
      this.isResuming = true;
      queueMicrotask(() => {
        this.isResuming = false;
        this.readOn();
      });
    }
  }

  pull(): Puller<MessageData> {
    this.puller = new Puller<MessageData>(this, (message) => message.length);
    if (this.ended) this.puller.end(this.failure);
    this.pause(PAUSED_BY_PULLING);
    return this.puller;
  }

  /** Messages are taken in parts: by a receiver of their own, that knows no limits. */
  stream(): AsyncIterableIterator<StreamedMessage, undefined> {
    this.streamer = new MessageStreamer(this.owner, this);
    this.receiver = this.streamer.receiver;
    if (this.ended) this.streamer.end(this.failure);
    this.pause(PAUSED_BY_PULLING);
    return this.streamer.iterate();
  }

  wantItem(): void {
    this.resume(PAUSED_BY_PULLING, false);
  }

  stopPulling(): void {
    this.owner.onPullingStopped();
  }

  pauseForConsumer(): void {
    this.pause(PAUSED_BY_PULLING);
  }

  resumeForConsumer(): void {
    this.resume(PAUSED_BY_PULLING, false);
  }

  pauseForInflater(): void {
    this.pause(PAUSED_BY_INFLATE);
  }

  resumeAfterInflater(): void {
    this.resume(PAUSED_BY_INFLATE, false);
  }

  /** Nothing more is delivered. What still arrives is read and thrown away. @param failure unless that is a clean end */
  end(failure: unknown): void {
    if (!this.ended) {
      this.ended = true;
      this.failure = failure;
      this.puller?.end(failure);
      this.streamer?.end(failure);
    }
    this.receiver.terminate();
    this.remainder = null;
    this.assembly?.release();
    this.assembly = null;
    if (this.paused === 0) return;
    this.paused = 0;
    this.owner.stream.resume();
  }

  /** The connection is over. */
  release(failure: unknown): void {
    this.end(failure);
    this.inflater?.close();
    this.streamer?.release();
  }

  /** Goes on where reading was stopped: first with what was left over, then with the stream. */
  private readOn(): void {
    if (this.paused !== 0 || this.taking || this.ended) return;
    // With what was left over it may become idle, and leave its owner.
    const { owner, remainder } = this;
    if (remainder !== null) {
      this.remainder = null;
      this.ownsBytes = true;
      owner.onBytes(remainder, 0, remainder.length);
      this.ownsBytes = false;
      if (this.isPaused) return;
    }
    owner.stream.resume();
  }

  get flow(): Flow {
    return this.paused === 0 && !this.ended;
  }

  onMessage(
    opcode: MessageOpcode,
    compressed: boolean,
    ascii: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Flow {
    if (compressed) return this.inflate(opcode, bytes, start, end);
    this.deliver(opcode, ascii, bytes, start, end);
    return this.paused === 0 && !this.ended;
  }

  onMessageStart(opcode: MessageOpcode, compressed: boolean, length: number): Flow {
    this.opcode = opcode;
    this.assembly = new MessageAssembly(length, this.owner.shared.limits.maxMessageSize, compressed);
    this.owner.deadlines.noteMessageBegan();
    return CONTINUE;
  }

  onMessageData(bytes: Uint8Array, start: number, end: number): Flow {
    try {
      this.assembly!.append(bytes, start, end);
    } catch {
      // Within the limit, and more than the process has.
      this.owner.fail('PB_MESSAGE_TOO_BIG');
      return STOP;
    }
    return CONTINUE;
  }

  onMessageEnd(): Flow {
    const assembly = this.assembly!;
    this.assembly = null;
    const { bytes, length } = assembly;
    let flow: Flow;
    if (assembly.compressed) {
      flow = this.inflate(this.opcode, bytes, 0, length);
    } else {
      this.deliver(this.opcode, false, bytes, 0, length);
      flow = this.flow;
    }
    assembly.release();
    return flow;
  }

  onControl(opcode: ControlOpcode, bytes: Uint8Array, start: number, end: number): Flow {
    if (opcode === CLOSE) this.owner.onCloseFrame(bytes, start, end);
    else this.owner.onPingOrPong(opcode, bytes, start, end);
    return this.flow;
  }

  onViolation(code: ViolationCode): void {
    this.owner.fail(code);
  }

  private inflate(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): Flow {
    const { shared, deflateParameters } = this.owner;
    this.opcode = opcode;
    this.inflater ??= shared.deflate!.createInflater(deflateParameters!, shared.role);
    if (this.inflater.inflate(bytes, start, end, shared.limits.maxMessageSize, this)) return this.flow;
    // Order is kept: nothing behind this message is looked at until it is inflated.
    this.paused |= PAUSED_BY_INFLATE;
    return STOP;
  }

  onInflated(bytes: Uint8Array, start: number, end: number): void {
    if (this.ended) return;
    if (this.opcode === OPCODE_TEXT && !this.owner.shared.platform.isUtf8(bytes, start, end)) {
      this.owner.fail('PB_TEXT_INVALID_UTF8');
      return;
    }
    this.deliver(this.opcode, false, bytes, start, end);
    this.resume(PAUSED_BY_INFLATE, false);
  }

  onInflateFailed(code: ViolationCode): void {
    if (!this.ended) this.owner.fail(code);
  }

  private deliver(opcode: MessageOpcode, ascii: boolean, bytes: Uint8Array, start: number, end: number): void {
    const { puller } = this;
    const { shared } = this.owner;
    this.owner.onMessageReceived(end - start);
    const isText = opcode === OPCODE_TEXT;
    if (shared.borrowed && puller === null) {
      const view = viewBytes(bytes, start, end);
      if (isText) lentText = view;
      this.owner.onMessageData(view, isText ? 'text' : 'binary');
      lentText = null;
      if (shared.poison) view.fill(0xdb);
      return;
    }
    let data: MessageData;
    try {
      data = isText ? this.textOf(ascii, bytes, start, end) : copyBytes(bytes, start, end);
    } catch {
      // Within the limit, and longer than a string can be, or than the process has memory.
      this.owner.fail('PB_MESSAGE_TOO_BIG');
      return;
    }
    if (puller === null) this.owner.onMessageData(data, isText ? 'text' : 'binary');
    else this.hand(puller, data);
  }

  private hand(puller: Puller<MessageData>, data: MessageData): void {
    if (this.owner.isOpen) {
      if (!puller.push(data)) this.paused |= PAUSED_BY_PULLING;
    } else if (puller.readySize <= this.owner.shared.limits.maxMessageSize) {
      // We are closing, and read on to see the peer's close frame: what comes before it is kept, but not without end.
      puller.push(data);
    }
  }

  private textOf(ascii: boolean, bytes: Uint8Array, start: number, end: number): string {
    const { platform } = this.owner.shared;
    return ascii ? platform.decodeAscii(bytes, start, end) : platform.decodeUtf8(bytes, start, end);
  }
}
