import type { ByteStream, ByteStreamHandler, WriteResult } from '../../connection/byte-stream.ts';
import { callTrace, type Trace, type TraceEvent } from './trace.ts';

/** Most payload bytes of a frame that are shown. */
const SHOWN_BYTES = 128;

/** Bytes of a frame's header before its extended length and its masking key (RFC 6455 §5.2). */
const SHORT_HEADER = 2;
const LONGEST_HEADER = 14;

/** The header of a frame, read. */
interface FrameHead {
  readonly first: number;
  readonly masked: boolean;
  readonly length: number;
  readonly start: Uint8Array;
}

/**
 * Reads the frames of one direction, wherever the bytes are cut, and tells each as soon as its header and the start of
 * its payload are through. It judges nothing: what the connection will refuse is shown as well.
 */
class FrameTracer {
  private readonly direction: 'in' | 'out';
  private readonly trace: Trace;
  private readonly header = new Uint8Array(LONGEST_HEADER);
  private headerLength = 0;
  private headerNeeds = SHORT_HEADER;
  /** The frame whose payload is being read. */
  private frame: FrameHead | null = null;
  /** Bytes of its payload that have been seen. */
  private seen = 0;

  constructor(direction: 'in' | 'out', trace: Trace) {
    this.direction = direction;
    this.trace = trace;
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) at = this.frame === null ? this.takeHeader(bytes, at, end) : this.takePayload(bytes, at, end);
  }

  /** Nothing more comes: a frame that was cut off is told with what there is of it. */
  finish(): void {
    const { frame, seen } = this;
    this.frame = null;
    if (frame !== null && seen < frame.start.length) this.tell({ ...frame, start: frame.start.slice(0, seen) });
  }

  private takeHeader(bytes: Uint8Array, start: number, end: number): number {
    const { header } = this;
    let at = start;
    while (at < end && this.headerLength < this.headerNeeds) {
      header[this.headerLength++] = bytes[at++]!;
      if (this.headerLength === SHORT_HEADER) this.headerNeeds += furtherBytes(header[1]!);
    }
    if (this.headerLength === this.headerNeeds) this.beginFrame();
    return at;
  }

  private beginFrame(): void {
    const [first = 0, second = 0] = this.header;
    const length = payloadLength(this.header);
    this.frame = { first, masked: second >= 0x80, length, start: new Uint8Array(Math.min(length, SHOWN_BYTES)) };
    this.seen = 0;
    if (length > 0) return;
    this.tell(this.frame);
    this.nextFrame();
  }

  private takePayload(bytes: Uint8Array, start: number, end: number): number {
    const frame = this.frame!;
    const { seen } = this;
    const taken = Math.min(end - start, frame.length - seen);
    const wanted = Math.min(taken, Math.max(0, frame.start.length - seen));
    const key = this.headerLength - 4;
    for (let i = 0; i < wanted; i++) {
      const octet = bytes[start + i]!;
      frame.start[seen + i] = frame.masked ? octet ^ this.header[key + ((seen + i) & 3)]! : octet;
    }
    this.seen = seen + taken;
    if (wanted > 0 && seen + wanted === frame.start.length) this.tell(frame);
    if (this.seen === frame.length) this.nextFrame();
    return start + taken;
  }

  private nextFrame(): void {
    this.frame = null;
    this.headerLength = 0;
    this.headerNeeds = SHORT_HEADER;
  }

  private tell({ first, masked, length, start }: FrameHead): void {
    const { direction, trace } = this;
    const [fin, rsv1] = [(first & 0x80) !== 0, (first & 0x40) !== 0];
    const event: TraceEvent = { type: 'frame', direction, fin, rsv1, opcode: first & 0x0f, masked, length, start };
    callTrace(trace, event);
  }
}

/** Bytes of the header that follow its second. */
function furtherBytes(second: number): number {
  const keyLength = second >= 0x80 ? 4 : 0;
  const short = second & 0x7f;
  return keyLength + (short === 127 ? 8 : short === 126 ? 2 : 0);
}

/** A length beyond 2^53 is no length that ever comes whole: to be near it is enough. */
function payloadLength(header: Uint8Array): number {
  const short = header[1]! & 0x7f;
  if (short < 126) return short;
  let length = 0;
  for (let i = 2; i < (short === 126 ? 4 : 10); i++) length = length * 256 + header[i]!;
  return length;
}

/**
 * A byte stream that tells every frame that passes, both ways, before it passes. Only where somebody asked for it: the
 * connection then has this in place of the stream itself.
 */
export class TracedStream implements ByteStream, ByteStreamHandler {
  private readonly stream: ByteStream;
  private readonly incoming: FrameTracer;
  private readonly outgoing: FrameTracer;
  private handler: ByteStreamHandler | undefined;
  /** What is written from now on goes nowhere. */
  private isEnded = false;

  /** @param head bytes that came with the handshake: the connection gets them past the stream */
  constructor(stream: ByteStream, trace: Trace, head: Uint8Array) {
    this.stream = stream;
    this.incoming = new FrameTracer('in', trace);
    this.outgoing = new FrameTracer('out', trace);
    this.incoming.push(head, 0, head.length);
  }

  attach(handler: ByteStreamHandler): void {
    const isFirst = this.handler === undefined;
    this.handler = handler;
    if (isFirst) this.stream.attach(this);
  }

  write(bytes: Uint8Array, start: number, end: number): WriteResult {
    if (!this.isEnded) this.outgoing.push(bytes, start, end);
    return this.stream.write(bytes, start, end);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  end(): void {
    this.isEnded = true;
    this.stream.end();
  }

  destroy(cause?: Error): void {
    this.isEnded = true;
    this.stream.destroy(cause);
  }

  get mayClientEnd(): boolean {
    return this.stream.mayClientEnd === true;
  }

  get queuedBytes(): number {
    return this.stream.queuedBytes;
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.incoming.push(bytes, start, end);
    this.handler!.onBytes(bytes, start, end);
  }

  onDrain(): void {
    this.handler!.onDrain();
  }

  onEnd(): void {
    this.incoming.finish();
    this.handler!.onEnd();
  }

  onClose(cause: Error | undefined): void {
    this.isEnded = true;
    this.incoming.finish();
    this.handler!.onClose(cause);
  }
}
