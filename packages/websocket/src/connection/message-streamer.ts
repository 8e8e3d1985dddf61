import { copyBytes } from '../protocol/bytes.ts';
import { type Flow, type FrameSink, STOP } from '../protocol/frame-sink.ts';
import { type ControlOpcode, type MessageOpcode, OPCODE_TEXT } from '../protocol/opcodes.ts';
import type { InflatePartSink, PartInflater } from '../protocol/platform.ts';
import { FrameReceiver, type ReceiverLimits } from '../protocol/receiver.ts';
import { advanceUtf8, UTF8_ACCEPT, UTF8_REJECT } from '../protocol/utf8.ts';
import type { ViolationCode } from '../protocol/violations.ts';
import type { StreamedMessage } from './connection.ts';
import { UsageError } from './errors.ts';
import type { InboxOwner } from './inbox.ts';
import { Puller, type PullSource } from './puller.ts';
import { ArrivingMessage } from './streamed-message.ts';

/** Nothing of a message is held, so it may be as long as numbers go, in any number of frames. */
const NO_LIMITS: ReceiverLimits = { maxMessageSize: Number.MAX_SAFE_INTEGER, maxFragments: Infinity };

/** What each part costs, beside its bytes, of what is taken ahead while the connection closes. */
const PART_OVERHEAD = 16;

/** The inbox that a streamer belongs to. */
export interface StreamerInbox extends Pick<FrameSink, 'onControl' | 'onViolation'> {
  /** Whether to go on: nothing holds reading back. */
  readonly flow: Flow;
  /** Nobody takes what comes: nothing is read. */
  pauseForConsumer(): void;
  resumeForConsumer(): void;
  /** Nothing behind these bytes is looked at until they are inflated. */
  pauseForInflater(): void;
  resumeAfterInflater(): void;
}

/**
 * Receives for `receiveStream()`: messages of any length, in parts. What was read is handed out at once, and nothing is
 * read while nobody takes it: one read's worth is all that is held.
 */
export class MessageStreamer implements FrameSink, InflatePartSink, PullSource {
  readonly receiver: FrameReceiver;
  private readonly owner: InboxOwner;
  private readonly inbox: StreamerInbox;
  private readonly messages: Puller<ArrivingMessage> = new Puller(this, () => 0);
  /** What the consumer was given last. */
  private delivered: ArrivingMessage | null = null;

  /** The message whose end has not arrived. */
  private current: ArrivingMessage | null = null;
  private compressed = false;
  /** Where the check of text stands that was compressed; the receiver sees to the other. */
  private utf8 = UTF8_ACCEPT;
  private inflater: PartInflater | null = null;
  /** Bytes that may still be taken in while the connection closes and nobody has asked for them. */
  private ahead: number;

  constructor(owner: InboxOwner, inbox: StreamerInbox) {
    const { role, platform, limits } = owner.shared;
    this.owner = owner;
    this.inbox = inbox;
    this.ahead = limits.maxMessageSize;
    this.receiver = new FrameReceiver(this, role, NO_LIMITS, platform, owner.deflateParameters !== null);
  }

  /** What the application iterates over. */
  iterate(): AsyncIterableIterator<StreamedMessage, undefined> {
    const iterator: AsyncIterableIterator<StreamedMessage, undefined> = {
      next: () => this.next(),
      return: () => this.return(),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  get isInsideMessage(): boolean {
    return this.current !== null;
  }

  /** Nothing more is delivered. @param failure unless that is a clean end */
  end(failure: unknown): void {
    this.current?.parts.end(
      failure ?? new UsageError('PB_CONNECTION_CLOSED', 'the connection was closed in the middle of this message'),
    );
    this.current = null;
    this.messages.end(failure);
  }

  /** The connection is over. */
  release(): void {
    this.inflater?.close();
  }

  private async next(): Promise<IteratorResult<StreamedMessage, undefined>> {
    this.delivered?.skip();
    this.delivered = null;
    const result = await this.messages.next();
    if (result.done === true) return result;
    this.delivered = result.value;
    return result as IteratorResult<StreamedMessage, undefined>;
  }

  private async return(): Promise<IteratorResult<StreamedMessage, undefined>> {
    this.delivered?.skip();
    this.current?.skip();
    await this.messages.return();
    return { value: undefined, done: true };
  }

  wantItem(): void {
    this.inflater?.resume();
    this.inbox.resumeForConsumer();
  }

  /** The consumer has left the iteration, or one of its messages: that one is skipped when the next is asked for. */
  stopPulling(): void {
    if (this.messages.isEnded) this.owner.onPullingStopped();
  }

  onMessage(
    opcode: MessageOpcode,
    compressed: boolean,
    _ascii: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Flow {
    this.begin(opcode, compressed);
    if (compressed) return this.inflate(bytes, start, end, true);
    this.hand(bytes, start, end);
    this.finish();
    return this.flow();
  }

  onMessageStart(opcode: MessageOpcode, compressed: boolean): Flow {
    this.begin(opcode, compressed);
    return this.flow();
  }

  onMessageData(bytes: Uint8Array, start: number, end: number): Flow {
    if (this.compressed) return this.inflate(bytes, start, end, false);
    this.hand(bytes, start, end);
    return this.flow();
  }

  onMessageEnd(): Flow {
    if (this.compressed) return this.inflate(EMPTY, 0, 0, true);
    this.finish();
    return this.flow();
  }

  onControl(opcode: ControlOpcode, bytes: Uint8Array, start: number, end: number): Flow {
    return this.inbox.onControl(opcode, bytes, start, end);
  }

  onViolation(code: ViolationCode): void {
    this.inbox.onViolation(code);
  }

  private begin(opcode: MessageOpcode, compressed: boolean): void {
    const { owner, messages } = this;
    const message = new ArrivingMessage(opcode === OPCODE_TEXT ? 'text' : 'binary', this, owner.shared.platform);
    this.current = message;
    this.compressed = compressed;
    this.utf8 = UTF8_ACCEPT;
    this.takeAhead(0);
    owner.deadlines.noteMessageBegan();
    if (messages.isEnded) message.skip();
    else messages.push(message);
  }

  /** Hands out some bytes of the message. */
  private hand(bytes: Uint8Array, start: number, end: number): void {
    const { parts } = this.current!;
    if (start === end) return;
    this.owner.onPartReceived(end - start);
    this.takeAhead(end - start);
    if (!parts.isEnded) parts.push(copyBytes(bytes, start, end));
  }

  private takeAhead(bytes: number): void {
    if (!this.owner.isOpen) this.ahead -= bytes + PART_OVERHEAD;
  }

  private finish(): void {
    const { parts } = this.current!;
    this.current = null;
    parts.end(undefined);
    this.owner.onMessageReceived(0);
  }

  private inflate(bytes: Uint8Array, start: number, end: number, isLast: boolean): Flow {
    const { shared, deflateParameters, deadlines } = this.owner;
    deadlines.noteMessageProgress();
    this.inflater ??= shared.deflate!.createPartInflater(deflateParameters!, shared.role, this);
    this.inbox.pauseForInflater();
    this.inflater.push(bytes, start, end, isLast);
    return STOP;
  }

  onInflatedPart(bytes: Uint8Array, start: number, end: number): Flow {
    if (this.current === null) return STOP;
    if (this.current.kind === 'text') {
      this.utf8 = advanceUtf8(this.utf8, bytes, start, end);
      if (this.utf8 === UTF8_REJECT) return this.failText();
    }
    this.hand(bytes, start, end);
    // What is being inflated is behind a pause of its own: this asks only for the consumer.
    return this.isWanted || this.wait();
  }

  onInflated(isLast: boolean): void {
    if (this.current === null) return;
    if (isLast) {
      if (this.utf8 !== UTF8_ACCEPT) return void this.failText();
      this.finish();
      this.flow();
    }
    this.inbox.resumeAfterInflater();
  }

  onInflateFailed(code: ViolationCode): void {
    this.owner.fail(code);
  }

  private failText(): Flow {
    this.owner.fail('PB_TEXT_INVALID_UTF8');
    return STOP;
  }

  private flow(): Flow {
    if (!this.isWanted) this.wait();
    return this.inbox.flow;
  }

  private wait(): Flow {
    this.inbox.pauseForConsumer();
    return STOP;
  }

  /** Somebody waits for what comes next, or it is for nobody. */
  private get isWanted(): boolean {
    const { current, messages, owner } = this;
    if (messages.isEnded) return true;
    // The peer's close frame is behind what it has still to say, of which some is taken ahead for that.
    if (!owner.isOpen && this.ahead > 0) return true;
    // One that was skipped, or left, is in the way of the next.
    return current === null || current.parts.isEnded ? messages.hasWaiting : current.parts.hasWaiting;
  }
}

const EMPTY = new Uint8Array(0);
