import { Buffer } from 'node:buffer';
import { constants } from 'node:zlib';
import type { ZlibContext, ZlibRunner } from './zlib-handle.ts';
import { DONE, FULL, INVALID, MORE, type Outcome, Output, SLICE, type ZlibRun } from './zlib-run.ts';

/** The empty block that zlib flushes with, without its header; what every message goes without (RFC 7692 §7.2.1). */
const TAIL_LENGTH = 4;

const FIRST_OUTPUT = 32 * 1024;
const EMPTY = Buffer.alloc(0);

/** Deflates one message (RFC 7692 §7.2.1). Used again for the next one. */
export class DeflateRun implements ZlibRun {
  readonly output: Output = new Output(FIRST_OUTPUT);
  private produced = 0;
  private input: Uint8Array = EMPTY;
  private at = 0;
  private end = 0;
  /** Of the step under way. */
  private length = 0;
  private room = 0;

  /** Length of the payload: what came out, without its tail. */
  get payload(): number {
    return this.produced - TAIL_LENGTH;
  }

  /** False where there is no memory for what may come out. */
  begin(input: Uint8Array, start: number, end: number): boolean {
    this.input = input;
    this.at = start;
    this.end = end;
    this.produced = 0;
    return this.output.resize(mostOutput(end - start), 0);
  }

  /** The payload of a message without a byte: the header of a block that has none (RFC 7692 §7.2.3.6). */
  beEmpty(): void {
    this.output.bytes[0] = 0x00;
    this.produced = 1 + TAIL_LENGTH;
  }

  /** On the event loop, to the end of the message. */
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
    if (context.errno !== 0) return INVALID;
    this.produced += this.room - context.availableOut;
    this.at += this.length - context.availableIn;
    if (context.availableOut === 0) return this.produced < this.output.bytes.length ? MORE : FULL;
    return this.at < this.end ? MORE : DONE;
  }

  grow(): boolean {
    return this.output.resize(this.output.bytes.length * 2, this.produced);
  }

  finish(): void {
    this.input = EMPTY;
    this.output.shrink(FIRST_OUTPUT);
  }

  /** Flushed at the end of the message, and once more where the flush did not fit. */
  private get flush(): number {
    return this.at + this.length === this.end ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
  }

  private prepare(): void {
    this.length = Math.min(this.end - this.at, SLICE);
    this.room = Math.min(this.output.bytes.length - this.produced, SLICE);
  }
}

/** Enough for data that does not compress at all, in blocks of any type, with the flush. */
function mostOutput(length: number): number {
  return length + Math.ceil(length / 8) + 64;
}
