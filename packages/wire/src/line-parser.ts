import { WireError } from './errors.ts';

/** Most characters of a line, and of an event, that a client takes by default: 16 Mi UTF-16 code units. */
export const MAX_STREAM_ITEM: number = 16 * 1024 * 1024;

/**
 * Takes the lines of an ndjson stream apart, however its text is cut into pieces. Lines end with LF or CRLF; empty ones,
 * which show that the stream lives, are left out, and so is what the stream ends with before a line end: it is torn.
 */
export class LineParser {
  private readonly maxLength: number;
  private partial = '';
  private failure: WireError | undefined;

  /** @param maxLength of a line in UTF-16 code units, its end not counted; default 16 Mi */
  constructor(maxLength: number = MAX_STREAM_ITEM) {
    this.maxLength = maxLength;
  }

  /**
   * @param text as decoded from UTF-8, without a byte order mark
   * @returns the lines that are now complete
   * @throws {WireError} `PB_PAYLOAD_TOO_LARGE` for a line beyond the limit, once the lines before it were returned; the
   * stream cannot be read on
   */
  push(text: string): string[] {
    if (this.failure !== undefined) throw this.failure;
    const lines: string[] = [];
    let from = 0;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      if (!this.isRoom(at - from)) return this.fail(lines);
      const line = this.partial + text.slice(from, at);
      const end = line.endsWith('\r') ? line.length - 1 : line.length;
      if (end > 0) lines.push(line.slice(0, end));
      this.partial = '';
      from = at + 1;
    }
    if (!this.isRoom(text.length - from)) return this.fail(lines);
    this.partial += text.slice(from);
    return lines;
  }

  private isRoom(more: number): boolean {
    return this.partial.length + more <= this.maxLength;
  }

  private fail(lines: string[]): string[] {
    this.partial = '';
    this.failure = new WireError(
      'PB_PAYLOAD_TOO_LARGE',
      `a line of the stream has more than ${this.maxLength} characters`,
    );
    if (lines.length === 0) throw this.failure;
    return lines;
  }
}
