/** Most characters of a message: what has no end is none. */
const MOST = 16 * 1024 * 1024;

/**
 * Takes a stream of text apart, cut anywhere: into lines, as ndjson has them, or into the `data:` lines of events (WHATWG
 * HTML §9.2.6), whose other fields say nothing here. A message is on one line. Lines end with LF or CRLF.
 */
export class StreamText {
  private readonly isEvents: boolean;
  private rest = '';

  constructor(isEvents: boolean) {
    this.isEvents = isEvents;
  }

  /** @returns the messages that are complete now @throws {RangeError} for one that does not end */
  push(text: string): string[] {
    this.rest += text;
    if (this.rest.length > MOST) throw new RangeError('a message has no end');
    // A line that comes in a thousand pieces is looked at once.
    if (!text.includes('\n')) return [];
    const lines = this.rest.split(/\r?\n/);
    this.rest = lines.pop()!;
    if (!this.isEvents) return lines.filter((line) => line !== '');
    return lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim());
  }
}
