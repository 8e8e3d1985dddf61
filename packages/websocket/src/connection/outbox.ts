import { copyBytes } from '../protocol/bytes.ts';
import { OPCODE_PONG, OPCODE_TEXT } from '../protocol/opcodes.ts';
import type { Platform } from '../protocol/platform.ts';
import {
  encodeControl,
  FIN,
  headerLength,
  MAX_HEADER,
  type MaskingKeys,
  writeFrame,
  writeHeader,
} from '../protocol/sender.ts';
import { Backlog } from './backlog.ts';
import { acquireBatch, MAX_BATCH, MEDIUM_BATCH, releaseBatch, SMALL_BATCH } from './batch-pool.ts';
import { type ByteStream, CONSUMED, FULL } from './byte-stream.ts';
import type { Flushable, FlushScheduler } from './flush-scheduler.ts';
import { type FrameSequence, LINE_END } from './frame-sequence.ts';
import type { PreparedVariant } from './prepared-message.ts';

/** What all outboxes of one server or client share. */
export interface OutboxShared {
  readonly platform: Platform;
  readonly scheduler: FlushScheduler;
  /** Null for a server: its frames are not masked (RFC 6455 §5.1). */
  readonly masks: MaskingKeys | null;
}

/** Whose outbox it is. */
export interface OutboxOwner {
  readonly stream: ByteStream;
  readonly shared: OutboxShared;
  /** Inside its own read, at the end of which it calls {@link Outbox.flushAfterRead}. */
  readonly isReading: boolean;
  /** Nothing is left to write: the connection needs no outbox until it sends again. */
  onOutboxIdle(outbox: Outbox): void;
  /** The stream, or the backlog behind it, holds bytes. Comes again whenever there are more. */
  onOutboxHeld(): void;
  /** The stream wrote what it held; more may be waiting. */
  onOutboxProgress(): void;
}

/** An outbox that nobody uses may still be in the list of those to be flushed. */
const NOBODY = { onOutboxIdle() {} } as unknown as OutboxOwner;

/** ASCII strings up to this length are written faster by a loop than by a call into the platform. */
const SHORT_TEXT = 16;

/**
 * The sending half of a connection: frames of one turn go into one batch, and a batch is one write. What the stream
 * does not take waits in the backlog.
 */
export class Outbox implements Flushable {
  private owner: OutboxOwner;
  private dirty = false;

  // This turn's output: either own frames in a batch, or a sequence of shared ones.
  private batch: Uint8Array | null = null;
  private batchLength = 0;
  private sequence: FrameSequence | null = null;
  /**
   * Of the last answers to one read, whoever had this outbox then: connections of one server are much alike, and a batch
   * that begins as large need not grow.
   */
  private lastLength = 0;

  // The last message in the batch, where it has lines that others may follow: its frame, its payload, and its end.
  private linesAt = 0;
  private linesBody = 0;
  private linesEnd = 0;

  /** Null while the stream takes everything. */
  private backlog: Backlog | null = null;

  constructor(owner: OutboxOwner) {
    this.owner = owner;
  }

  /** Goes on with another connection. Only after {@link OutboxOwner.onOutboxIdle}: then nothing of the old one is left. */
  serve(owner: OutboxOwner): void {
    this.owner = owner;
  }

  /** Nobody is served any more: a connection that is over is not kept by what it once used. */
  leave(): void {
    this.owner = NOBODY;
  }

  /** Bytes that the operating system has not taken yet. */
  get queuedBytes(): number {
    return this.batchLength + (this.sequence === null ? 0 : this.sequence.length) + this.heldBytes;
  }

  /** Of these, the bytes that were written and not taken; this turn's output is not among them. */
  get heldBytes(): number {
    return (this.backlog === null ? 0 : this.backlog.waiting) + this.owner.stream.queuedBytes;
  }

  /** Adds a frame with text that is not compressed. @returns the length of the payload in bytes */
  addText(opcode: number, text: string): number {
    const units = text.length;
    // In UTF-8 a UTF-16 unit takes one to three bytes; the header has to be written before that is known.
    if (units * 3 + MAX_HEADER > MAX_BATCH) return this.addLongText(opcode, text);
    const { platform, masks } = this.owner.shared;
    const keyLength = masks === null ? 0 : 4;
    const batch = this.reserve(units * 3 + MAX_HEADER);
    const start = this.batchLength;
    // Most text is ASCII: lay the frame out for that, and move the payload where it is not.
    const guess = start + headerLength(units) + keyLength;
    const length = writeShortAscii(text, batch, guess) ? units : platform.encodeUtf8(text, batch, guess);
    const body = start + headerLength(length) + keyLength;
    if (body !== guess) batch.copyWithin(body, guess, guess + length);
    writeHeader(batch, start, FIN | opcode, length, keyLength === 0 ? 0 : 0x80);
    if (masks !== null) masks.mask(batch, body - 4, body + length);
    this.batchLength = body + length;
    this.markDirty();
    return length;
  }

  /** Adds a line that is not compressed, of a server: it becomes part of the message before it, where that has lines. */
  addLine(line: string): number {
    const units = line.length;
    // A longer header for the lines before it, and a line end.
    const room = units * 3 + 2 * MAX_HEADER;
    if (room > MAX_BATCH) return this.addLongText(OPCODE_TEXT, line);
    const batch = this.reserve(room);
    const start = this.batchLength;
    if (start === 0 || this.linesEnd !== start) {
      const length = this.addText(OPCODE_TEXT, line);
      this.linesAt = start;
      this.linesBody = this.batchLength - length;
      this.linesEnd = this.batchLength;
      return length;
    }
    const length = this.owner.shared.platform.encodeUtf8(line, batch, start + 1);
    batch[start] = LINE_END;
    this.growLines(batch, start + 1 + length);
    this.markDirty();
    return length;
  }

  /** Makes what follows the last line a part of its message. @param end of that in the batch, as it is laid out */
  private growLines(batch: Uint8Array, end: number): void {
    const payload = end - this.linesBody;
    const body = this.linesAt + headerLength(payload);
    if (body !== this.linesBody) batch.copyWithin(body, this.linesBody, end);
    writeHeader(batch, this.linesAt, FIN | OPCODE_TEXT, payload, 0);
    this.linesBody = body;
    this.linesEnd = this.batchLength = body + payload;
  }

  private addLongText(opcode: number, text: string): number {
    const encoded = new Uint8Array(text.length * 3);
    const length = this.owner.shared.platform.encodeUtf8(text, encoded, 0);
    this.addFrame(FIN | opcode, encoded, 0, length);
    return length;
  }

  /** Adds a frame. The payload is copied. @param first FIN, RSV1 and opcode */
  addFrame(first: number, payload: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const part = start === 0 && end === payload.length ? payload : payload.subarray(start, end);
    if (length + MAX_HEADER <= MAX_BATCH) {
      const batch = this.reserve(length + MAX_HEADER);
      this.batchLength = writeFrame(batch, this.batchLength, first, part, this.owner.shared.masks);
      this.markDirty();
      return;
    }
    this.writeOut();
    const frame = Buffer.allocUnsafeSlow(headerLength(length) + (this.owner.shared.masks === null ? 0 : 4) + length);
    writeFrame(frame, 0, first, part, this.owner.shared.masks);
    this.put(frame, false, frame.length);
    this.markDirty();
  }

  /** Adds bytes that are frames already and belong to nobody else. */
  addEncoded(frames: Uint8Array): void {
    this.writeOut();
    this.put(frames, false, frames.length);
    this.markDirty();
  }

  /** Adds a frame that other connections send too: it is not copied where this turn has nothing of its own. */
  addShared(variant: PreparedVariant): void {
    const { frame } = variant;
    if (this.batchLength > 0) {
      if (this.batchLength + frame.length + MAX_HEADER <= MAX_BATCH) {
        this.copyShared(variant);
        return;
      }
      this.writeOut();
    }
    const { sequence } = this;
    if (sequence === null) this.sequence = variant.sequence;
    else if (sequence.length + frame.length <= MAX_BATCH) {
      this.sequence = sequence.followedBy(frame, variant.lineAt, this.owner.shared.scheduler);
    } else {
      this.writeOut();
      this.sequence = variant.sequence;
    }
    this.markDirty();
  }

  /** Adds a shared frame to the batch; a line behind another one becomes part of its message. */
  private copyShared({ frame, lineAt }: PreparedVariant): void {
    // A longer header for the lines, and a line end.
    const batch = this.reserve(frame.length + MAX_HEADER);
    const start = this.batchLength;
    if (lineAt > 0 && this.linesEnd === start) {
      batch[start] = LINE_END;
      batch.set(frame.subarray(lineAt), start + 1);
      this.growLines(batch, start + 1 + frame.length - lineAt);
      return;
    }
    batch.set(frame, start);
    this.batchLength = start + frame.length;
    if (lineAt === 0) return;
    this.linesAt = start;
    this.linesBody = start + lineAt;
    this.linesEnd = this.batchLength;
  }

  /** Answers a ping: at once, or, while output is blocked, once and for the latest ping only. */
  addPong(payload: Uint8Array, start: number, end: number): void {
    if (this.backlog !== null) this.backlog.pendingPong = copyBytes(payload, start, end);
    else this.addFrame(FIN | OPCODE_PONG, payload, start, end);
  }

  /**
   * At the end of the owner's read. Everything that is ready is read before answers are written: the system is quicker
   * at many reads and then many writes than at one after the other. Any number of small batches wait; of others, which
   * text takes at a third of their size, only some wait for one another.
   */
  flushAfterRead(): void {
    if (this.batchLength === 0 && this.sequence === null) {
      this.flush();
      return;
    }
    this.markDirty();
    const { batch } = this;
    if (batch === null) return;
    this.lastLength = this.batchLength;
    if (batch.length > SMALL_BATCH) this.owner.shared.scheduler.noteWaiting(batch.length);
  }

  /** Writes this turn's output. */
  flush(): void {
    this.dirty = false;
    this.writeOut();
    if (this.backlog === null) this.owner.onOutboxIdle(this);
  }

  private writeOut(): void {
    if (this.sequence !== null) {
      const bytes = this.sequence.bytes();
      this.sequence = null;
      this.put(bytes, false, bytes.length);
    } else if (this.batchLength > 0) {
      const batch = this.batch!;
      const length = this.batchLength;
      this.batch = null;
      this.batchLength = 0;
      this.linesEnd = 0;
      this.put(batch, true, length);
    }
  }

  /** The stream has written everything that it held. */
  onStreamDrained(): void {
    const { backlog, owner } = this;
    if (backlog !== null) {
      const { pendingPong } = backlog;
      backlog.pendingPong = null;
      backlog.onDrained(pendingPong === null ? null : encodeControl(OPCODE_PONG, pendingPong, owner.shared.masks));
      if (backlog.isDone) this.backlog = null;
    }
    owner.onOutboxProgress();
  }

  /** Forgets everything that the stream has not been given, up to the frame that is half written. */
  discard(): void {
    if (this.batch !== null) releaseBatch(this.batch);
    this.batch = null;
    this.batchLength = 0;
    this.linesEnd = 0;
    this.sequence = null;
    this.backlog?.discard();
  }

  /** The connection is gone: as {@link discard}, the half-written frame too. */
  release(): void {
    this.discard();
    this.backlog?.release();
    this.backlog = null;
  }

  /** Room for `size` more bytes at `batchLength`; what does not fit any more is flushed first. */
  private reserve(size: number): Uint8Array {
    if (this.sequence !== null) {
      if (this.sequence.length + size > MAX_BATCH) this.writeOut();
      else this.adoptSequence();
    }
    const { batch } = this;
    if (batch === null) {
      return (this.batch = acquireBatch(this.roomFor(size)));
    }
    const needed = this.batchLength + size;
    if (needed <= batch.length) return batch;
    if (needed > MAX_BATCH) {
      this.writeOut();
      return (this.batch = acquireBatch(this.roomFor(size)));
    }
    const larger = acquireBatch(this.roomFor(needed));
    larger.set(batch.subarray(0, this.batchLength));
    releaseBatch(batch);
    return (this.batch = larger);
  }

  /** In its own read, who needs more than a medium batch has the largest: only a few of those wait, so it need not grow. */
  private roomFor(size: number): number {
    const { isReading, stream } = this.owner;
    // What a stream holds, it holds as a whole.
    if (!isReading || stream.queuedBytes > 0) return size;
    const wanted = Math.max(size, this.lastLength);
    return wanted > MEDIUM_BATCH ? MAX_BATCH : wanted;
  }

  /** Own frames follow shared ones: from here on this connection's output is its own. */
  private adoptSequence(): void {
    const bytes = this.sequence!.bytes();
    this.sequence = null;
    const batch = acquireBatch(bytes.length);
    batch.set(bytes);
    this.batch = batch;
    this.batchLength = bytes.length;
  }

  private markDirty(): void {
    if (this.owner.isReading || this.dirty) return;
    this.dirty = true;
    this.owner.shared.scheduler.add(this);
  }

  /** Hands bytes to the stream, or adds them to the backlog. @param pooled they are a batch, to be given back */
  private put(bytes: Uint8Array, pooled: boolean, length: number): void {
    const { owner } = this;
    const { stream } = owner;
    if (this.backlog === null && length <= MAX_BATCH) {
      const result = stream.write(bytes, 0, length);
      if (result === CONSUMED) {
        if (pooled) releaseBatch(bytes);
        return;
      }
      if (result === FULL) this.backlog = new Backlog(stream, true);
    } else {
      this.backlog ??= new Backlog(stream, false);
      this.backlog.add(pooled ? copyBytes(bytes, 0, length) : bytes);
      if (pooled) releaseBatch(bytes);
      if (this.backlog.isDone) this.backlog = null;
      if (this.heldBytes === 0) return;
    }
    owner.onOutboxHeld();
  }
}

/** Writes a short ASCII string; answers false, having written part of it, where it is long or not ASCII. */
function writeShortAscii(text: string, target: Uint8Array, at: number): boolean {
  const { length } = text;
  if (length > SHORT_TEXT) return false;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return false;
    target[at + i] = unit;
  }
  return true;
}
