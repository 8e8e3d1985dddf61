import type { IncomingMessage } from 'node:http';
import { LineParser, SseParser, WireError } from '@pulsebeacon/wire';
import { EXIT } from '../remote/exit-codes.ts';
import { type HttpCall, HttpClient } from '../remote/http-client.ts';
import { failureOfError, notAChannel, RemoteFailure } from '../remote/remote-failure.ts';
import { channelUrl, type RemoteServer } from '../remote/server.ts';
import type { Feed, FeedSink } from './feed.ts';

/** A stream says something every 15 s by default. After three times that, nobody is there any more. */
const SILENCE_MS = 45_000;

/** How messages stand in a stream. */
interface StreamForm {
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string;
  /** @returns what takes the text of a stream apart, from its start */
  parser(): (text: string) => string[];
}

const SSE: StreamForm = {
  query: { as: 'sse' },
  contentType: 'text/event-stream',
  parser: () => {
    const parser = new SseParser();
    return (text) => parser.push(text).map(({ data }) => data);
  },
};

const NDJSON: StreamForm = {
  query: { follow: '', as: 'ndjson' },
  contentType: 'application/x-ndjson',
  parser: () => {
    const parser = new LineParser();
    return (text) => parser.push(text);
  },
};

const FORMS: Readonly<Record<'sse' | 'ndjson', StreamForm>> = { sse: SSE, ndjson: NDJSON };

/** A channel by an answer that does not end: Server-Sent Events, or a line of JSON for each message. */
export class StreamFeed implements Feed {
  private readonly server: RemoteServer;
  private readonly channel: string;
  private readonly form: StreamForm;
  private readonly client: HttpClient;
  private answer: IncomingMessage | undefined;
  private silence: NodeJS.Timeout | undefined;

  constructor(server: RemoteServer, channel: string, transport: 'sse' | 'ndjson') {
    this.server = server;
    this.channel = channel;
    this.form = FORMS[transport];
    this.client = new HttpClient(server);
  }

  async follow(since: string | undefined, sink: FeedSink, signal: AbortSignal): Promise<RemoteFailure> {
    const { query, contentType } = this.form;
    const url = channelUrl(this.server, this.channel, since === undefined ? query : { ...query, since });
    const headers = { Accept: contentType };
    const call: HttpCall = { method: 'GET', url, headers, timeout: this.server.timeout, signal };
    const answer = await this.client.expect(call, [200]);
    if (!answer.headers['content-type']?.startsWith(contentType)) {
      answer.destroy();
      throw notAChannel(url, `${String(answer.headers['content-type'])} in place of ${contentType}`);
    }
    this.answer = answer;
    try {
      return await this.read(answer, url, sink);
    } finally {
      this.answer = undefined;
      clearTimeout(this.silence);
    }
  }

  pause(): void {
    this.answer?.pause();
    // Nobody looks whether it is silent.
    clearTimeout(this.silence);
  }

  resume(): void {
    this.answer?.resume();
    this.watch();
  }

  close(): void {
    this.client.close();
  }

  private read(answer: IncomingMessage, url: URL, sink: FeedSink): Promise<RemoteFailure> {
    const parse = this.form.parser();
    return new Promise((resolve) => {
      let failure: RemoteFailure | undefined;
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        this.watch();
        try {
          for (const message of parse(text)) sink.message(message);
        } catch (error) {
          failure ??= notAChannel(url, (error as WireError).message);
          answer.destroy();
        }
      });
      answer.on('error', (error) => {
        failure ??= error instanceof RemoteFailure ? error : failureOfError(url, error);
      });
      answer.on('close', () => resolve(failure ?? lost(`${url.host} ended the stream`)));
      this.watch();
    });
  }

  private watch(): void {
    const { answer } = this;
    clearTimeout(this.silence);
    if (answer === undefined || answer.isPaused()) return;
    this.silence = setTimeout(() => answer.destroy(lost(`nothing came for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
  }
}

function lost(message: string): RemoteFailure {
  return new RemoteFailure(message, { exitCode: EXIT.lost, retry: true });
}
