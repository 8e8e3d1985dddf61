import type { AnswerHead } from './answer-reader.ts';
import { HeaderFields } from './header-fields.ts';
import { equalsIgnoringCase, splitList } from './tokens.ts';

const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const SEMICOLON = 0x3b;

// Where in the body the next byte lies (RFC 9112 §6.3, §7.1).
const COUNTED = 0;
const TO_THE_END = 1;
const CHUNK_SIZE = 2;
const CHUNK_EXTENSION = 3;
const CHUNK_DATA = 4;
const CHUNK_END = 5;
const TRAILER = 6;
const COMPLETE = 7;
const BROKEN = 8;

/** Most bytes of a chunk's extensions, or of the trailer: nobody needs them here. */
const MAX_UNUSED = 16_384;

/** Most hexadecimal digits of a chunk's size: 2^52 - 1. */
const MAX_SIZE_DIGITS = 13;

/** A length that can be counted: less than 10^15. */
const LENGTH = /^\d{1,15}$/;

/**
 * The start of the body of an answer that refused the handshake: counted by Content-Length, in chunks, or up to the end
 * of the connection (RFC 9112 §6.3). Never throws: a body that is not as it should be ends where that shows. Not for
 * 101, behind which there are frames.
 */
export class AnswerBody {
  private readonly kept: Uint8Array;
  private length = 0;
  private place: number;
  /** Bytes that remain of the body, or of the chunk. */
  private remaining = 0;
  /** Digits of a chunk's size, or bytes of what is not used. */
  private seen = 0;
  private isLineEmpty = true;
  private isAfterCR = false;
  private isReusable: boolean;

  /** @param maxBytes how much is kept, from the start */
  constructor(head: AnswerHead, maxBytes: number) {
    this.kept = new Uint8Array(maxBytes);
    const fields = new HeaderFields(head.rawHeaders);
    this.isReusable = isPersistent(head, fields);
    this.place = this.placeOf(head, fields.get('transfer-encoding'), fields.get('content-length'));
  }

  private placeOf(head: AnswerHead, encoding: string | undefined, length: string | undefined): number {
    if (head.status === 204 || head.status === 304) return COMPLETE;
    if (encoding !== undefined) {
      // Two lengths, or chunks in HTTP/1.0, may be somebody's smuggling: read it, and close (§6.1).
      if (length !== undefined || head.httpVersion === '1.0') this.isReusable = false;
      return equalsIgnoringCase(splitList(encoding).at(-1) ?? '', 'chunked') ? CHUNK_SIZE : TO_THE_END;
    }
    if (length === undefined) return TO_THE_END;
    // The same number several times is that number (RFC 9110 §8.6).
    const [first = '', ...others] = splitList(length);
    // With another length nobody knows what belongs to the answer (§6.3 item 5).
    if (!LENGTH.test(first) || others.some((other) => other !== first)) return BROKEN;
    this.remaining = Number(first);
    return this.remaining === 0 ? COMPLETE : COUNTED;
  }

  /** What was kept so far, decoded from its chunks. */
  get bytes(): Uint8Array {
    return this.kept.subarray(0, this.length);
  }

  /** Nothing more is kept: the rest need not be read. */
  get isDone(): boolean {
    return this.place >= COMPLETE || this.length === this.kept.length;
  }

  /** The body is over, or can only be over when the connection is not to carry another request: no more need be read. */
  get isSettled(): boolean {
    return this.place >= COMPLETE || this.place === TO_THE_END || !this.isReusable;
  }

  /**
   * The body was seen to its end, and the connection could carry another request (RFC 9112 §9.3): it does not end with
   * the connection, and nothing came behind it that nobody asked for (§9.2).
   */
  get isComplete(): boolean {
    return this.place === COMPLETE && this.isReusable;
  }

  /** Takes the bytes from `start` to `end`, all of which came behind the head. */
  push(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && this.place < COMPLETE) at = this.take(bytes, at, end);
    if (at < end) this.isReusable = false;
  }

  private take(bytes: Uint8Array, at: number, end: number): number {
    switch (this.place) {
      case TO_THE_END:
        this.keep(bytes, at, end);
        return end;
      case COUNTED:
      case CHUNK_DATA:
        return this.takeCounted(bytes, at, end);
      default:
        this.takeFraming(bytes[at]!);
        return at + 1;
    }
  }

  /**
   * What is no data of a chunk. Lines end in CRLF alone: the leniency of §2.2 is for heads, and two readers that differ
   * over where a chunk ends read different answers.
   */
  private takeFraming(byte: number): void {
    if (this.isAfterCR !== (byte === LF)) {
      this.place = BROKEN;
      return;
    }
    this.isAfterCR = byte === CR;
    if (this.isAfterCR) return;
    switch (this.place) {
      case CHUNK_SIZE:
        this.takeSize(byte);
        break;
      case CHUNK_EXTENSION:
        if (byte === LF) this.beginChunk();
        else this.skip();
        break;
      case CHUNK_END:
        this.place = byte === LF ? CHUNK_SIZE : BROKEN;
        break;
      default:
        this.takeTrailer(byte);
    }
  }

  private takeCounted(bytes: Uint8Array, at: number, end: number): number {
    const until = Math.min(end, at + this.remaining);
    this.keep(bytes, at, until);
    this.remaining -= until - at;
    if (this.remaining === 0) this.place = this.place === COUNTED ? COMPLETE : CHUNK_END;
    return until;
  }

  private takeSize(byte: number): void {
    const digit = hexadecimal(byte);
    if (digit >= 0 && this.seen < MAX_SIZE_DIGITS) {
      this.seen++;
      this.remaining = this.remaining * 16 + digit;
    } else if (this.seen === 0 || digit >= 0) {
      this.place = BROKEN;
    } else {
      this.seen = 0;
      if (byte === LF) this.beginChunk();
      // Some servers fill the size up with spaces, which the grammar has only before an extension.
      else this.place = byte === SEMICOLON || byte === SP || byte === HTAB ? CHUNK_EXTENSION : BROKEN;
    }
  }

  private beginChunk(): void {
    this.seen = 0;
    this.place = this.remaining === 0 ? TRAILER : CHUNK_DATA;
  }

  private takeTrailer(byte: number): void {
    if (byte === LF) {
      if (this.isLineEmpty) this.place = COMPLETE;
      this.isLineEmpty = true;
    } else {
      this.isLineEmpty = false;
      this.skip();
    }
  }

  private skip(): void {
    if (++this.seen > MAX_UNUSED) this.place = BROKEN;
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    const part = bytes.subarray(start, Math.min(end, start + this.kept.length - this.length));
    this.kept.set(part, this.length);
    this.length += part.length;
  }
}

/** RFC 9112 §9.3. */
function isPersistent(head: AnswerHead, fields: HeaderFields): boolean {
  const options = splitList(fields.get('connection') ?? '');
  const has = (name: string): boolean => options.some((option) => equalsIgnoringCase(option, name));
  return !has('close') && (head.httpVersion === '1.1' || has('keep-alive'));
}

/** The value of a hexadecimal digit, or -1. */
function hexadecimal(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
