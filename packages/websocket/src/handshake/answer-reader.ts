import type { Platform } from '../protocol/platform.ts';
import type { AnswerFaultCode } from './answer-faults.ts';
import { GatheredBytes } from './gathered-bytes.ts';
import { DEFAULT_HEADER_LIMITS, type HeaderLimits } from './header-fields.ts';
import { isReceivedValue, isToken, trimWhitespace } from './tokens.ts';

/** Status and header of an answer. */
export interface AnswerHead {
  /** 100 to 999. */
  readonly status: number;
  /** May be empty. */
  readonly reason: string;
  /** A minor version above 1 is read as 1.1 (RFC 9110 §2.5). */
  readonly httpVersion: '1.0' | '1.1' | '2';
  /** Names and values in turn, one value per field line, without the whitespace around it; as Latin-1. */
  readonly rawHeaders: readonly string[];
  /** The head as it came, as Latin-1: lines with their line ends, without the empty line behind them. For a log. */
  readonly text: string;
}

const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const ZERO = 0x30;
const NINE = 0x39;

/** How every answer begins; version, status and the byte behind it follow (RFC 9112 §4). */
const BEGINNING = 'HTTP/1.';
const BEFORE_REASON = 'HTTP/1.1 101 '.length;

// What the line that is being read holds so far.
const NOTHING = 0;
const LONE_CR = 1;
const CONTENT = 2;

/** RFC 9112 §4. Some servers leave out the space before an empty reason, too. */
const STATUS_LINE = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

/**
 * Reads the answer to a client's opening handshake from its bytes, however they are cut (RFC 9112). Interim answers
 * (1xx, RFC 9110 §15.2) are passed over, but for the 101. They count against the same limits, which bound their number:
 * `maxBytes` is for every byte up to the end of the head, `maxFields` for every line but status lines and empty ones.
 */
export class AnswerReader {
  /** The answer, as soon as its head is complete. */
  head: AnswerHead | undefined;
  /**
   * Why there will be none: `PB_ANSWER_NOT_HTTP`, at the first byte that no status line has there, or
   * `PB_ANSWER_TOO_MANY_FIELDS` or `PB_ANSWER_FIELDS_TOO_LARGE`, as soon as a limit is exceeded; or at the end of the
   * head `PB_ANSWER_FIELD_INVALID`.
   */
  fault: AnswerFaultCode | undefined;
  private readonly platform: Pick<Platform, 'decodeAscii'>;
  /** The start of a head that did not come in one piece. */
  private readonly cut: GatheredBytes;
  private line = NOTHING;
  private bytesLeft: number;
  private linesLeft: number;

  /** @param platform its `decodeAscii` is taken for Latin-1, as every byte of a header is a character */
  constructor(platform: Pick<Platform, 'decodeAscii'>, limits: HeaderLimits = DEFAULT_HEADER_LIMITS) {
    this.platform = platform;
    this.cut = new GatheredBytes(limits.maxBytes);
    this.bytesLeft = limits.maxBytes;
    // The status line is one, too.
    this.linesLeft = limits.maxFields + 1;
  }

  /**
   * Takes the bytes from `start` to `end`, up to the end of the head.
   * @returns the position after what it took; with {@link head} or {@link fault} set, it takes nothing more
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.head === undefined && this.fault === undefined) at = this.readHead(bytes, at, end);
    return at;
  }

  /** Looks for the end of the head; what is kept never grows above the limit. */
  private readHead(bytes: Uint8Array, start: number, end: number): number {
    const stop = Math.min(end, start + this.bytesLeft);
    const strange = this.findStrange(bytes, start, stop);
    if (strange !== -1) return this.fail('PB_ANSWER_NOT_HTTP', strange + 1);
    let { line } = this;
    for (let at = start; at < stop; at++) {
      const byte = bytes[at];
      if (byte !== LF) {
        line = byte === CR && line === NOTHING ? LONE_CR : CONTENT;
        continue;
      }
      if (line !== CONTENT) {
        this.bytesLeft -= at + 1 - start;
        this.endHead(this.decode(bytes, start, at + 1));
        return at + 1;
      }
      if (--this.linesLeft < 0) return this.fail('PB_ANSWER_TOO_MANY_FIELDS', at + 1);
      line = NOTHING;
    }
    if (stop < end) return this.fail('PB_ANSWER_FIELDS_TOO_LARGE', stop + 1);
    this.line = line;
    this.bytesLeft -= end - start;
    this.cut.append(bytes, start, end);
    return end;
  }

  /** The position of the first byte that no status line has at its place; -1 where there is none. */
  private findStrange(bytes: Uint8Array, start: number, end: number): number {
    let place = this.cut.length;
    for (let at = start; at < end && place < BEFORE_REASON; at++, place++) {
      if (!mayStand(place, bytes[at]!)) return at;
    }
    return -1;
  }

  /** The whole head, of which the last part lies from `start` to `end`. */
  private decode(bytes: Uint8Array, start: number, end: number): string {
    const { cut, platform } = this;
    if (cut.length === 0) return platform.decodeAscii(bytes, start, end);
    cut.append(bytes, start, end);
    const text = platform.decodeAscii(cut.bytes, 0, cut.length);
    cut.clear();
    return text;
  }

  private endHead(whole: string): void {
    const head = this.parse(whole);
    if (head === undefined) return;
    if (head.status >= 200 || head.status === 101) {
      this.head = head;
      return;
    }
    // An interim answer, such as 103: the one that counts is still to come.
    this.line = NOTHING;
    this.linesLeft++;
  }

  private parse(text: string): AnswerHead | undefined {
    // A lone LF ends a line, too (RFC 9112 §2.2).
    const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
    const match = STATUS_LINE.exec(lines[0]!);
    if (match === null) {
      this.fault = 'PB_ANSWER_NOT_HTTP';
      return undefined;
    }
    const [, minor, status, reason = ''] = match as unknown as [string, string, string, string | undefined];
    const rawHeaders: string[] = [];
    // Behind the last line there is the empty one, and behind its LF nothing.
    for (let i = 1; i < lines.length - 2; i++) {
      if (readField(lines[i]!, rawHeaders)) continue;
      this.fault = 'PB_ANSWER_FIELD_INVALID';
      return undefined;
    }
    const httpVersion = minor === '0' ? '1.0' : '1.1';
    return {
      status: Number(status),
      reason,
      httpVersion,
      rawHeaders,
      text: text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1),
    };
  }

  private fail(code: AnswerFaultCode, at: number): number {
    this.fault = code;
    return at;
  }
}

/** Whether a byte may stand at this place of a status line, before its reason. */
function mayStand(place: number, byte: number): boolean {
  if (place < BEGINNING.length) return byte === BEGINNING.charCodeAt(place);
  switch (place) {
    case 8:
      return byte === SP;
    case 9:
      // A status has three digits and is 100 or more (RFC 9110 §15).
      return byte > ZERO && byte <= NINE;
    case 12:
      return byte === SP || byte === CR || byte === LF;
    default:
      return byte >= ZERO && byte <= NINE;
  }
}

/** Adds a field line to `fields`. @returns false where it is none (RFC 9112 §5) */
function readField(line: string, fields: string[]): boolean {
  const last = fields.length - 1;
  if (line.startsWith(' ') || line.startsWith('\t')) {
    // The continuation of the line before: a user agent has to take it for a space (RFC 9112 §5.2). Behind the status
    // line there is nothing that it could continue (§2.2).
    const more = trimWhitespace(line);
    if (last < 0 || !isReceivedValue(more)) return false;
    const before = fields[last]!;
    fields[last] = before === '' || more === '' ? before + more : `${before} ${more}`;
    return true;
  }
  const colon = line.indexOf(':');
  if (colon === -1) return false;
  const name = line.slice(0, colon);
  const value = trimWhitespace(line.slice(colon + 1));
  if (!isToken(name) || !isReceivedValue(value)) return false;
  fields.push(name, value);
  return true;
}
