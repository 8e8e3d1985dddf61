/** Most characters of a message: what has no end is none. */
const MOST = 16 * 1024 * 1024;

/**
 * Takes a stream of text apart, cut anywhere: into lines, as ndjson has them, or into the data of events (WHATWG HTML
 * §9.2.6), whose other fields say nothing here. Lines end with LF or CRLF.
 */
export class StreamText {
  private readonly isEvents: boolean;
  private rest = '';
  /** Of the event that has begun. */
  private data = '';

  constructor(isEvents: boolean) {
    this.isEvents = isEvents;
  }

  /** @returns the messages that are complete now @throws {RangeError} for one that does not end */
  push(text: string): string[] {
    this.rest += text;
    if (this.rest.length + this.data.length > MOST) throw new RangeError('a message has no end');
    // A line that comes in a thousand pieces is looked at once.
    if (!text.includes('\n')) return [];
    const lines = this.rest.split(/\r?\n/);
    this.rest = lines.pop()!;
    return this.isEvents ? lines.flatMap((line) => this.eventOf(line)) : lines.filter((line) => line !== '');
  }

  private eventOf(line: string): string[] {
    // JSON has line ends between its tokens alone, where a space is as good.
    if (line.startsWith('data:')) this.data += `${line.slice(5)} `;
    if (line !== '' || this.data === '') return [];
    const event = this.data;
    this.data = '';
    return [event];
  }
}
