import { Buffer } from 'node:buffer';
import { createInflateRaw, type InflateRaw } from 'node:zlib';
import type { InflatePartSink, PartInflater } from '../../protocol/platform.ts';
import { History } from './history.ts';
import { LAST_BLOCK, mostStreams, TAIL } from './inflate-run.ts';

const CHUNK = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/** What is put behind a message to see whether it ended where it should; see inflate-run.ts. */
const ENDING = Buffer.concat([TAIL, LAST_BLOCK]);

/**
 * Inflates messages of any length in parts, by the streams of node:zlib: they stop where nobody takes what comes out. A
 * window that is taken over is kept as the bytes in it, and given to the next message as its dictionary.
 */
export class NodePartInflater implements PartInflater {
  private readonly sink: InflatePartSink;
  private readonly windowBits: number;
  private readonly history: History | undefined;
  private isClosed = false;

  /** Of the message on its way. */
  private stream: InflateRaw | undefined;
  private length = 0;
  private streams = 0;
  /** What was pushed, and what the stream had taken in before. */
  private input: Buffer = EMPTY;
  private takenBefore = 0;
  private isLast = false;

  constructor(windowBits: number, takesOver: boolean, sink: InflatePartSink) {
    this.windowBits = windowBits;
    this.history = takesOver ? new History(windowBits) : undefined;
    this.sink = sink;
  }

  push(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const part = bytes.subarray(start, end);
    this.length += part.length;
    this.isLast = isLast;
    if (this.length === 0) {
      // Even an empty message has an octet (RFC 7692 §7.2.3.6).
      process.nextTick(() => this.fail());
      return;
    }
    this.feed(isLast ? Buffer.concat([part, ENDING]) : Buffer.from(part));
  }

  resume(): void {
    this.stream?.resume();
  }

  close(): void {
    this.isClosed = true;
    this.drop();
    this.history?.clear();
  }

  private feed(input: Buffer): void {
    const stream = (this.stream ??= this.open());
    this.input = input;
    this.takenBefore = stream.bytesWritten;
    if (this.isLast) stream.end(input);
    else stream.write(input, () => this.onTaken(stream));
  }

  private open(): InflateRaw {
    const dictionary = this.history?.bytes;
    const stream = createInflateRaw({
      windowBits: this.windowBits,
      chunkSize: CHUNK,
      ...(dictionary === undefined ? undefined : { dictionary }),
    });
    stream.on('data', (part: Buffer) => {
      if (stream !== this.stream) return;
      this.history?.add(part);
      if (!this.sink.onInflatedPart(part, 0, part.length)) stream.pause();
    });
    stream.on('end', () => {
      if (stream === this.stream) this.onEnd(stream);
    });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (stream === this.stream) this.fail(error.code);
    });
    return stream;
  }

  private onTaken(stream: InflateRaw): void {
    // Not where it failed, or was dropped.
    if (stream === this.stream && !stream.destroyed) this.sink.onInflated(false);
  }

  /** A data set ended (RFC 1951 §3.2.3: BFINAL): with the message, or before it. */
  private onEnd(stream: InflateRaw): void {
    const left = this.input.length - (stream.bytesWritten - this.takenBefore);
    this.drop();
    if (this.isLast && (left === 0 || left === LAST_BLOCK.length || left === ENDING.length)) {
      if (left !== 0) this.history?.clear();
      this.length = this.streams = 0;
      this.sink.onInflated(true);
    } else if ((this.isLast && left < ENDING.length) || this.streams++ === mostStreams(this.length)) {
      this.fail();
    } else {
      // What follows does not refer back.
      this.history?.clear();
      this.feed(this.input.subarray(this.input.length - left));
    }
  }

  private drop(): void {
    const { stream } = this;
    this.stream = undefined;
    stream?.destroy();
  }

  private fail(code?: string): void {
    if (this.isClosed) return;
    this.drop();
    this.sink.onInflateFailed(code === 'Z_MEM_ERROR' ? 'PB_MESSAGE_TOO_BIG' : 'PB_DEFLATE_INVALID');
  }
}
