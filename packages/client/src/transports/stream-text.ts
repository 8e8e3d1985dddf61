/** Most characters of a message: what has no end is none. */
const MOST = 16 * 1024 * 1024;

/**
 * Takes a stream of text apart, cut anywhere: into lines, as ndjson has them, or into the data of events (WHATWG HTML
 * §9.2.6), whose other fields say nothing here. Lines end with LF or CRLF.
 */
export class StreamText {
  private readonly isEvents: boolean;
  private rest = '';
  private data: string[] = [];

  constructor(isEvents: boolean) {
    this.isEvents = isEvents;
  }

  /** @returns the messages that are complete now @throws {RangeError} for one that does not end */
  push(text: string): string[] {
    const lines = (this.rest + text).split(/\r?\n/);
    this.rest = lines.pop()!;
    if (this.rest.length > MOST) throw new RangeError(`a message has more than ${MOST} characters`);
    return this.isEvents ? lines.flatMap((line) => this.eventOf(line)) : lines.filter((line) => line !== '');
  }

  private eventOf(line: string): string[] {
    if (line.startsWith('data:')) this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
    if (line !== '' || this.data.length === 0) return [];
    const event = this.data.join('\n');
    this.data = [];
    return [event];
  }
}
