import { Buffer } from 'node:buffer';
import { constants } from 'node:zlib';
import { copyBytes } from '../../protocol/bytes.ts';
import type { ZlibContext, ZlibRunner } from './zlib-handle.ts';
import {
  DONE,
  FULL,
  INVALID,
  MORE,
  MOST_KEPT,
  type Outcome,
  Output,
  SLICE,
  TOO_BIG,
  type ZlibRun,
} from './zlib-run.ts';

/** Bytes that may come out on the event loop; a message that gives more goes on off it. At most 0.5 ms of zlib. */
export const INLINE_OUTPUT: number = 256 * 1024;

/** Nothing that DEFLATE makes is more than 1,032 times as long as its input. */
const MOST_EXPANSION = 1032;
/**
 * Growing copies what is there, and what it was copied from stays until garbage is collected: two small steps, then
 * all that can be needed, as memory counts only where it is written to.
 */
const STEPS: readonly number[] = [MOST_KEPT, 3 * 1024 * 1024];

/**
 * What a sender takes off the end of every message (RFC 7692 §7.2.1), and something more, which shows whether the
 * message ended where it should: one that was cut short is refused instead of being taken for whole.
 *
 * Where the window is not needed again, that is a last block, without which zlib misses the end of its stream. Where
 * it is, zlib is told to stop between blocks, and a message that was whole leaves the last octet.
 */
export const TAIL: Buffer = Buffer.from([0x00, 0x00, 0xff, 0xff]);
export const LAST_BLOCK: Buffer = Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff]);
const FINAL_TAIL = Buffer.concat([TAIL, LAST_BLOCK]);
const OPEN_TAIL = Buffer.concat([TAIL, Buffer.from([0x00])]);

/**
 * A message may hold several DEFLATE streams, each ended by a block with BFINAL (§7.2.3.4). Every end costs a call of
 * zlib, so a message of nothing but ends (two bytes each) would cost a hundred times as much as it should.
 */
export function mostStreams(payload: number): number {
  return 16 + Math.floor(payload / 256);
}

const EMPTY = Buffer.alloc(0);

/** Inflates one message (RFC 7692 §7.2.2). Used again for the next one. */
export class InflateRun implements ZlibRun {
  /** The message so far is `output.bytes` up to `produced`. */
  readonly output: Output = new Output(INLINE_OUTPUT);
  produced = 0;
  private input: Uint8Array = EMPTY;
  private at = 0;
  private end = 0;
  private inTail = false;
  private tail = FINAL_TAIL;
  private payload = 0;
  private limit = 0;
  /** Bytes of the output that may be used: on the event loop not all. */
  private ceiling = 0;
  private streamsLeft = 0;
  /** Of the step under way. */
  private length = 0;
  private room = 0;

  /** `takesOver`: the window of this message is the next one's too. */
  begin(input: Uint8Array, start: number, end: number, limit: number, takesOver: boolean): void {
    this.input = input;
    this.at = start;
    this.end = end;
    this.inTail = false;
    this.tail = takesOver ? OPEN_TAIL : FINAL_TAIL;
    this.payload = end - start;
    this.limit = limit;
    this.ceiling = INLINE_OUTPUT;
    this.produced = 0;
    this.streamsLeft = mostStreams(this.payload);
  }

  /** On the event loop, until the message is over or the output is full. */
  run(context: ZlibContext): Outcome {
    for (;;) {
      this.prepare();
      context.run(this.flush, this.input, this.at, this.length, this.output.bytes, this.produced, this.room);
      const outcome = this.settle(context);
      if (outcome !== MORE) return outcome;
    }
  }

  start(context: ZlibContext, runner: ZlibRunner): void {
    this.prepare();
    context.start(this.flush, this.input, this.at, this.length, this.output.bytes, this.produced, this.room, runner);
  }

  settle(context: ZlibContext): Outcome {
    if (context.errno !== 0) return context.errno === constants.Z_MEM_ERROR ? TOO_BIG : INVALID;
    const { availableIn } = context;
    this.produced += this.room - context.availableOut;
    this.at += this.length - availableIn;
    if (this.produced > this.limit) return TOO_BIG;
    if (context.availableOut === 0) return this.produced < this.most() ? MORE : FULL;
    if (this.inTail) return this.settleTail(availableIn);
    // zlib had room and left input: a stream ended.
    if (availableIn > 0) return this.nextStream(context);
    if (this.at === this.end) this.enterTail();
    return MORE;
  }

  grow(): boolean {
    const most = Math.min(this.limit + 1, Math.max(this.payload * MOST_EXPANSION, this.produced * 2));
    const size = STEPS.find((step) => this.produced < step && most > 2 * step) ?? most;
    if (!this.output.resize(size, this.produced)) return false;
    this.ceiling = this.output.bytes.length;
    return true;
  }

  /** Copies the input that is left, as the caller's memory is valid no longer than its call. */
  own(): void {
    if (this.inTail) return;
    this.input = copyBytes(this.input, this.at, this.end);
    this.end -= this.at;
    this.at = 0;
  }

  finish(): void {
    this.input = EMPTY;
    this.output.shrink(INLINE_OUTPUT);
  }

  private get flush(): number {
    if (!this.inTail) return constants.Z_SYNC_FLUSH;
    return this.tail === FINAL_TAIL ? constants.Z_FINISH : constants.Z_BLOCK;
  }

  private prepare(): void {
    this.length = Math.min(this.end - this.at, SLICE);
    this.room = Math.min(this.most() - this.produced, SLICE);
  }

  /** One byte above the limit shows that there is more. */
  private most(): number {
    return Math.min(this.ceiling, this.limit + 1);
  }

  private enterTail(): void {
    this.inTail = true;
    this.input = this.tail;
    this.at = 0;
    this.end = this.tail.length;
  }

  private settleTail(left: number): Outcome {
    // The payload was a finished stream, with nothing after it: unusual, and whole.
    if (left === this.tail.length) return DONE;
    if (this.tail === OPEN_TAIL) return left === OPEN_TAIL.length - TAIL.length ? DONE : INVALID;
    // All of it; or all but the last block, where the four octets were the end of one already.
    return left === 0 || left === LAST_BLOCK.length ? DONE : INVALID;
  }

  /** RFC 1951 §3.2.3: BFINAL ends a data set. What follows is another one, which does not refer back. */
  private nextStream(context: ZlibContext): Outcome {
    if (this.streamsLeft-- === 0) return INVALID;
    context.reset();
    return MORE;
  }
}
