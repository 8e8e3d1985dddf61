import { Stream } from './stream.ts';
import type { Scope } from './site.ts';

export interface Heard {
  readonly event: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** What a stock EventSource does (WHATWG HTML §9.2): its parser, and what it sends when it comes back. */
export class TestEventSource {
  lastEventId = '';
  retry: number | undefined;
  readonly comments: string[] = [];
  stream!: Stream;
  private readonly scope: Scope;
  private readonly url: string;

  private constructor(scope: Scope, url: string) {
    this.scope = scope;
    this.url = url;
  }

  static async open(scope: Scope, url: string): Promise<TestEventSource> {
    const source = new TestEventSource(scope, url);
    await source.reconnect();
    return source;
  }

  async reconnect(): Promise<void> {
    const id = this.lastEventId === '' ? {} : { 'Last-Event-ID': this.lastEventId };
    this.stream = await Stream.open(this.scope, this.url, { Accept: 'text/event-stream', ...id });
  }

  /** The next event of any name. */
  async any(): Promise<Heard> {
    let event = '';
    const data: string[] = [];
    let id = this.lastEventId;
    for (;;) {
      const line = await this.stream.until('\n');
      if (line === '') {
        this.lastEventId = id;
        if (data.length > 0) return { event: event || 'message', data: data.join('\n'), lastEventId: id };
        event = '';
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === '') this.comments.push(value);
      else if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
      else if (field === 'retry') this.retry = Number(value);
    }
  }

  /** What `onmessage` sees next, as JSON. */
  async message(): Promise<Record<string, unknown>> {
    for (;;) {
      const { event, data } = await this.any();
      if (event === 'message') return JSON.parse(data) as Record<string, unknown>;
    }
  }
}
