import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import type { Scope } from './site.ts';

/** An answer that goes on, read as it comes. */
export class Stream {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
  private text = '';
  private isOver = false;
  private waiting: (() => void)[] = [];

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.request = request;
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      this.text += chunk;
      this.wake();
    });
    response.on('error', () => {});
    response.on('close', () => {
      this.isOver = true;
      this.wake();
    });
  }

  static async open(scope: Scope, url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Stream> {
    const sent = request(url, { headers, method, agent: false });
    sent.on('error', () => {});
    scope.after(() => sent.destroy());
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return new Stream(sent, response);
  }

  get status(): number {
    return this.response.statusCode!;
  }

  get headers(): IncomingHttpHeaders {
    return this.response.headers;
  }

  /** Everything up to `end`, which is taken too. */
  async until(end: string): Promise<string> {
    for (;;) {
      const at = this.text.indexOf(end);
      if (at >= 0) {
        const taken = this.text.slice(0, at);
        this.text = this.text.slice(at + end.length);
        return taken;
      }
      if (this.isOver) throw new Error(`the stream is over; left: ${this.text}`);
      await this.more();
    }
  }

  /** The next line as JSON. */
  async json(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.until('\n')) as Record<string, unknown>;
  }

  /** What is left when it has ended. */
  async rest(): Promise<string> {
    while (!this.isOver) await this.more();
    return this.text;
  }

  close(): void {
    this.request.destroy();
  }

  private more(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
