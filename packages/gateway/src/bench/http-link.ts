import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import type { Link, LinkMaker, LinkObserver } from './link.ts';
import { Payload } from './payload.ts';
import type { LoadPlan } from './plan.ts';
import { httpUrl } from './target.ts';

const TYPES = { text: 'text/plain; charset=utf-8', binary: 'application/octet-stream' } as const;

/** An answer over HTTP that is not what was asked for. */
export class HttpAnswerError extends Error {
  override readonly name = 'HttpAnswerError';
  readonly code: string;
  readonly status: number | undefined;

  constructor(code: string, message: string, status?: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/**
 * Opens connections of HTTP/1.1 that are kept alive, each with one request on its way: what `node:http` does when it is
 * asked for `keepAlive`, and `maxSockets` as many as there are connections. They POST the message, or only GET.
 */
export class HttpLinkMaker implements LinkMaker {
  private readonly plan: LoadPlan;
  private readonly send: typeof httpRequest;
  private readonly options: RequestOptions;
  private readonly payload: Payload | undefined;

  constructor(plan: LoadPlan, socketPath: string | undefined = plan.target.socketPath) {
    const { kind, target, opening, timeout } = plan;
    this.plan = plan;
    this.send = target.secure ? httpsRequest : httpRequest;
    this.payload = kind === 'post' ? new Payload(plan.payload) : undefined;
    const fields: [string, string | number][] = opening.headers.map(([name, value]) => [name, value]);
    if (opening.origin !== undefined) fields.push(['Origin', opening.origin]);
    if (this.payload !== undefined) {
      fields.push(['Content-Type', TYPES[this.payload.kind]], ['Content-Length', this.payload.size]);
    }
    this.options = {
      method: kind === 'post' ? 'POST' : 'GET',
      host: target.hostname,
      port: target.port,
      path: target.path,
      headers: Object.fromEntries(fields),
      timeout,
      ...(target.auth === undefined ? {} : { auth: target.auth }),
      ...(socketPath === undefined ? {} : { socketPath }),
    };
  }

  /** The connection is open once a first request is answered. */
  async open(observer: LinkObserver): Promise<Link> {
    const link = new HttpLink({
      send: this.send,
      options: { ...this.options, agent: this.createAgent() },
      payload: this.payload,
      verify: this.plan.verify,
      url: httpUrl(this.plan.target),
    });
    await link.open(observer);
    return link;
  }

  private createAgent(): Agent {
    const { opening, target } = this.plan;
    const options = { keepAlive: true, maxSockets: 1 };
    if (!target.secure) return new Agent(options);
    const { ca, insecure } = opening;
    return new TlsAgent({ ...options, rejectUnauthorized: !insecure, ...(ca === undefined ? {} : { ca }) });
  }
}

interface HttpLinkParts {
  readonly send: typeof httpRequest;
  readonly options: RequestOptions & { readonly agent: Agent };
  /** What is posted; undefined where nothing is. */
  readonly payload: Payload | undefined;
  readonly verify: boolean;
  readonly url: string;
}

/** Told how a request ended: with the bytes of the answer's body, or not. */
interface Outcome {
  onAnswer(bytes: number): void;
  onError(error: Error): void;
}

class HttpLink implements Link {
  private readonly parts: HttpLinkParts;
  private readonly observed: Outcome = {
    onAnswer: (bytes) => this.observer!.onAnswer(bytes),
    onError: (error) => this.onError(error),
  };
  private observer: LinkObserver | undefined;
  private sent = 0;
  private isEnding = false;

  constructor(parts: HttpLinkParts) {
    this.parts = parts;
  }

  async open(observer: LinkObserver): Promise<void> {
    this.observer = observer;
    await new Promise<number>((resolve, reject) => this.ask({ onAnswer: resolve, onError: reject }));
  }

  send(): boolean {
    this.ask(this.observed);
    return true;
  }

  async end(): Promise<void> {
    this.isEnding = true;
    this.parts.options.agent.destroy();
  }

  private onError(error: Error): void {
    if (this.isEnding) return;
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (error instanceof HttpAnswerError) {
      if (code === 'mismatch') this.observer!.onMismatch(error.message);
      else this.observer!.onError(code, error.message);
    } else {
      this.observer!.onLost(code, error.message);
    }
  }

  private ask(outcome: Outcome): void {
    const { send, options, payload } = this.parts;
    const number = this.sent++;
    let isDone = false;
    // A request that fails may say so more than once: itself, and by its answer.
    const fail = (error: Error): void => {
      if (isDone) return;
      isDone = true;
      outcome.onError(error);
    };
    const succeed = (bytes: number): void => {
      isDone = true;
      outcome.onAnswer(bytes);
    };
    const request: ClientRequest = send(options, (response) => {
      response.once('error', fail);
      this.read(response, number, { onAnswer: succeed, onError: fail });
    });
    request.once('error', fail);
    request.once('timeout', () => request.destroy(new HttpAnswerError('timeout', 'no answer in time')));
    // The memory of the message is used again for the next one.
    if (payload === undefined) request.end();
    else request.end(Buffer.from(payload.message(number)));
  }

  private read(response: IncomingMessage, number: number, outcome: Outcome): void {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('end', () => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      const error = this.judge(response, body, number);
      if (error === undefined) outcome.onAnswer(body.length);
      else outcome.onError(error);
    });
  }

  private judge({ statusCode = 0, statusMessage }: IncomingMessage, body: Buffer, number: number): Error | undefined {
    const { payload, verify, url, options } = this.parts;
    if (statusCode < 200 || statusCode > 299) {
      const what = `${statusCode}${statusMessage === '' ? '' : ` ${statusMessage}`}`;
      return new HttpAnswerError(`status ${statusCode}`, `${options.method} ${url} was answered ${what}`, statusCode);
    }
    if (payload === undefined || !verify) return undefined;
    const isAnswer = number === 0 ? payload.equals(body, number) : payload.matches(body, number);
    if (isAnswer) return undefined;
    return new HttpAnswerError('mismatch', `POST ${url} gave ${body.length} bytes that are not what was sent`);
  }
}
