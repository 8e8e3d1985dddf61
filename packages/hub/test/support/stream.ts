import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import { ReceivedText } from './received-text.ts';
import type { Scope } from './site.ts';

/** An answer that goes on, read as it comes. */
export class Stream {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
  private readonly text = new ReceivedText();

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.request = request;
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.text.push(chunk));
    response.on('error', () => {});
    response.on('close', () => this.text.finish());
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
    const taken = await this.text.until(end);
    return taken.slice(0, -end.length);
  }

  /** The next line as JSON. */
  async json(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.until('\n')) as Record<string, unknown>;
  }

  /** What is left when it has ended. */
  rest(): Promise<string> {
    return this.text.rest();
  }

  close(): void {
    this.request.destroy();
  }
}
