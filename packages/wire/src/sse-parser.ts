import { WireError } from './errors.ts';
import { MAX_STREAM_ITEM } from './line-parser.ts';

/** An event as `EventSource` dispatches it. */
export interface ReceivedEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
  /** The last id of the stream so far; empty where there was none. */
  readonly lastEventId: string;
}

/** Interprets an event stream (WHATWG HTML §9.2.6), however its text is cut into pieces. */
export class SseParser {
  private readonly maxLength: number;
  private partial = '';
  private isStart = true;
  private isAfterCr = false;
  private event = '';
  private data: string | undefined;
  private idBuffer = '';
  private failure: WireError | undefined;

  /** To be sent as Last-Event-ID when the client comes back; of the last event that ended, with data or without. */
  lastEventId = '';
  /** Milliseconds to wait before coming back, where the stream says so. */
  retry: number | undefined;

  /** @param maxLength of an event in UTF-16 code units, its unfinished line included; default 16 Mi */
  constructor(maxLength: number = MAX_STREAM_ITEM) {
    this.maxLength = maxLength;
  }

  /**
   * @param text as decoded from UTF-8; a byte order mark at the start is left out
   * @returns the events that are now complete; one that the stream ends in is none (§9.2.6)
   * @throws {WireError} `PB_PAYLOAD_TOO_LARGE` for an event beyond the limit, once the events before it were returned;
   * the stream cannot be read on
   */
  push(text: string): ReceivedEvent[] {
    if (this.failure !== undefined) throw this.failure;
    const events: ReceivedEvent[] = [];
    let from = this.skip(text);
    const lineEnd = /[\r\n]/g;
    lineEnd.lastIndex = from;
    for (let match = lineEnd.exec(text); match !== null; match = lineEnd.exec(text)) {
      if (!this.isRoom(match.index - from)) return this.fail(events);
      const line = this.partial + text.slice(from, match.index);
      this.partial = '';
      from = match.index + 1;
      if (match[0] === '\r') {
        if (from === text.length) this.isAfterCr = true;
        else if (text[from] === '\n') from++;
        lineEnd.lastIndex = from;
      }
      this.onLine(line, events);
    }
    if (!this.isRoom(text.length - from)) return this.fail(events);
    this.partial += text.slice(from);
    return events;
  }

  /** What is not looked at where a piece begins: the byte order mark of the stream, the LF of a CRLF that was cut. */
  private skip(text: string): number {
    if (text === '') return 0;
    const isSkipped = (this.isStart && text[0] === '\uFEFF') || (this.isAfterCr && text[0] === '\n');
    this.isStart = false;
    this.isAfterCr = false;
    return isSkipped ? 1 : 0;
  }

  private onLine(line: string, events: ReceivedEvent[]): void {
    if (line === '') {
      this.dispatch(events);
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    else if (name === 'event') this.event = value;
    else if (name === 'id' && !value.includes('\0')) this.idBuffer = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
  }

  private dispatch(events: ReceivedEvent[]): void {
    const { event, data, idBuffer } = this;
    this.lastEventId = idBuffer;
    this.event = '';
    this.data = undefined;
    if (data !== undefined) events.push({ event: event === '' ? 'message' : event, data, lastEventId: idBuffer });
  }

  private isRoom(more: number): boolean {
    const kept = (this.data?.length ?? 0) + this.event.length + this.idBuffer.length;
    return kept + this.partial.length + more <= this.maxLength;
  }

  private fail(events: ReceivedEvent[]): ReceivedEvent[] {
    this.partial = '';
    this.data = undefined;
    this.failure = new WireError(
      'PB_PAYLOAD_TOO_LARGE',
      `an event of the stream has more than ${this.maxLength} characters`,
    );
    if (events.length === 0) throw this.failure;
    return events;
  }
}
