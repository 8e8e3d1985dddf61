import { advanceUtf8, UTF8_ACCEPT, UTF8_REJECT } from '../protocol/utf8.ts';
import { type MessageOpcode, OPCODE_CONTINUATION, OPCODE_TEXT } from '../protocol/opcodes.ts';
import { FIN, MAX_HEADER } from '../protocol/sender.ts';
import { bytesOf } from './arguments.ts';
import { MAX_BATCH } from './batch-pool.ts';
import type { SendData } from './connection.ts';
import { UsageError } from './errors.ts';
import { signalOf } from './sink-signal.ts';

/** Most payload bytes of a frame: with its header it fills a batch, so pings get through between two of them. */
export const MAX_FRAGMENT: number = MAX_BATCH - MAX_HEADER;

/** So many bytes are collected before they are written, unless the turn ends first. */
const WRITE_AT = MAX_BATCH / 2;

/** So many bytes are written in one turn: a network that takes everything does not keep others from theirs. */
const MOST_IN_A_TURN = 4 * MAX_BATCH;

/** What a message that is sent in parts needs of its connection. */
export interface SendStreamOwner {
  addFragment(first: number, bytes: Uint8Array, start: number, end: number): void;
  /** Writes what was added. @returns whether all of it was taken; otherwise `onWritten` follows */
  writeFragments(): boolean;
  /** Calls when the turn is over, and what was added is written. */
  afterTurn(callback: () => void): void;
  /** The message is complete. */
  endStream(stream: SendStream): void;
  /** The message will not be completed. */
  giveUpStream(stream: SendStream, cause: unknown): void;
}

/**
 * One message that is sent in parts, as the sink of a WritableStream. Each part leaves as it comes, and the end is an
 * empty frame of its own: to hold the last part back, so as to mark it as the end, would keep it from a peer that may
 * wait for just that.
 */
export class SendStream {
  readonly writable: WritableStream<SendData>;
  /** Some of it was sent: nothing but its rest, and control frames, may follow. */
  hasBegun = false;
  private readonly owner: SendStreamOwner;
  private readonly opcode: MessageOpcode;
  private readonly fragmentSize: number;
  private controller!: WritableStreamDefaultController;
  /** Everything that was sent before is on its way. */
  private isTurn = false;
  private isOver = false;
  /** Why it is over, where the message is not complete. */
  private failure: unknown;
  /** Who waits: for the turn, or for what was written to be taken. */
  private waiting: { resolve: () => void; reject: (error: unknown) => void } | null = null;
  private unwritten = 0;
  private inTurn = 0;

  /** The first half of a character of a string, whose second may come. */
  private highSurrogate = '';
  /** Where the check stands of bytes that are sent as text. */
  private utf8 = UTF8_ACCEPT;

  /** @param fragmentSize most payload bytes of a frame, at most {@link MAX_FRAGMENT} */
  constructor(owner: SendStreamOwner, opcode: MessageOpcode, fragmentSize: number) {
    this.owner = owner;
    this.opcode = opcode;
    this.fragmentSize = fragmentSize;
    this.writable = new WritableStream<SendData>(this);
  }

  start(controller: WritableStreamDefaultController): void {
    this.controller = controller;
    const signal = signalOf(controller);
    signal.addEventListener('abort', () => this.giveUp(signal.reason, false), { once: true });
  }

  async write(data: SendData): Promise<void> {
    try {
      const bytes = this.encode(data);
      if (!this.isTurn) await this.wait();
      for (let at = 0; at < bytes.length; ) {
        this.mustGoOn();
        const end = Math.min(bytes.length, at + this.fragmentSize);
        this.addFrame(0, bytes, at, end);
        at = end;
        if (this.mustWait()) await this.wait();
      }
    } catch (error) {
      this.giveUp(error, true);
      throw error;
    }
  }

  async close(): Promise<void> {
    try {
      if (this.utf8 !== UTF8_ACCEPT) throw notUtf8();
      if (!this.isTurn) await this.wait();
      this.mustGoOn();
    } catch (error) {
      this.giveUp(error, true);
      throw error;
    }
    const rest = encoder.encode(this.highSurrogate);
    this.addFrame(FIN, rest, 0, rest.length);
    this.isOver = true;
    this.owner.endStream(this);
  }

  /** Everything that was sent before is on its way: what is written from now on goes out. */
  onTurn(): void {
    this.isTurn = true;
    this.wake();
  }

  /** Everything that was written was taken. */
  onWritten(): void {
    if (this.isTurn) this.wake();
  }

  /** The connection ends: what is still written goes nowhere. */
  cut(error: unknown): void {
    if (this.isOver) return;
    this.end(error);
    this.controller.error(error);
  }

  /** @param isFault it is a fault of what was written; a stream that is aborted errors by itself */
  private giveUp(cause: unknown, isFault: boolean): void {
    if (this.isOver) return;
    this.end(cause);
    if (isFault) this.controller.error(cause);
    this.owner.giveUpStream(this, cause);
  }

  private end(error: unknown): void {
    this.isOver = true;
    this.failure = error;
    this.waiting?.reject(error);
    this.waiting = null;
  }

  /** After a wait, the connection may have ended in the same turn. */
  private mustGoOn(): void {
    if (this.isOver) throw this.failure;
  }

  private wait(): Promise<void> {
    return new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
  }

  private wake(): void {
    this.waiting?.resolve();
    this.waiting = null;
  }

  private addFrame(first: number, bytes: Uint8Array, start: number, end: number): void {
    this.owner.addFragment(first | (this.hasBegun ? OPCODE_CONTINUATION : this.opcode), bytes, start, end);
    this.hasBegun = true;
    this.unwritten += end - start + MAX_HEADER;
  }

  /** Whether the network, or others on this event loop, have to come first; then somebody will call. */
  private mustWait(): boolean {
    if (this.unwritten < WRITE_AT) return false;
    this.inTurn += this.unwritten;
    this.unwritten = 0;
    if (!this.owner.writeFragments()) {
      this.inTurn = 0;
      return true;
    }
    if (this.inTurn < MOST_IN_A_TURN) return false;
    this.inTurn = 0;
    this.owner.afterTurn(() => this.wake());
    return true;
  }

  private encode(data: SendData): Uint8Array {
    const isText = this.opcode === OPCODE_TEXT;
    if (typeof data === 'string') {
      if (this.utf8 !== UTF8_ACCEPT) throw notUtf8();
      const text = this.highSurrogate + data;
      const isCut = isHighSurrogate(text.charCodeAt(text.length - 1));
      this.highSurrogate = isCut ? text.slice(-1) : '';
      return encoder.encode(isCut ? text.slice(0, -1) : text);
    }
    const bytes = bytesOf(data);
    if (isText) {
      this.utf8 = advanceUtf8(this.utf8, bytes, 0, bytes.length);
      if (this.utf8 === UTF8_REJECT) throw notUtf8();
    }
    if (this.highSurrogate === '') return bytes;
    // Its second half does not come: it is sent as U+FFFD, as `send` does it.
    const replacement = encoder.encode(this.highSurrogate);
    this.highSurrogate = '';
    const joined = new Uint8Array(replacement.length + bytes.length);
    joined.set(replacement);
    joined.set(bytes, replacement.length);
    return joined;
  }
}

const encoder = new TextEncoder();

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function notUtf8(): UsageError {
  return new UsageError('PB_DATA_TYPE', 'cannot send these bytes as text: they are not UTF-8; send them as binary');
}
