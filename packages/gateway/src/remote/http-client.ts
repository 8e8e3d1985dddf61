import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import { EXIT } from './exit-codes.ts';
import { failureOfAnswer, failureOfError, firstOf, RemoteFailure } from './remote-failure.ts';
import type { RemoteServer } from './server.ts';

/** Most bytes of an answer that is read whole. */
const MAX_ANSWER = 64 * 1024 ** 2;
/** Of an answer that refuses, the start says enough. */
const SHOWN_ANSWER = 4096;

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array;
  /** Milliseconds until the header of the answer is there. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Requests to one server, over connections that are kept. */
export class HttpClient {
  private readonly server: RemoteServer;
  private readonly agent: http.Agent;

  constructor(server: RemoteServer) {
    this.server = server;
    const isTls = server.base.protocol === 'https:';
    this.agent = isTls ? new https.Agent({ keepAlive: true, ...server.tls }) : new http.Agent({ keepAlive: true });
  }

  /** @returns the answer, whatever its status, its body yet to be read @throws RemoteFailure where there is none */
  async send({ method, url, headers = {}, body, timeout, signal }: HttpCall): Promise<IncomingMessage> {
    const { request } = url.protocol === 'https:' ? https : http;
    const outgoing = request(url, {
      method,
      agent: this.agent,
      headers: { ...headers, ...this.server.headers, ...(body === undefined ? {} : { 'Content-Length': body.length }) },
      signal,
    });
    const timer = setTimeout(() => outgoing.destroy(timedOut(url, timeout)), timeout);
    outgoing.end(body);
    try {
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      // Whoever reads it hears of it; nobody else has to.
      answer.on('error', () => {});
      outgoing.on('error', () => {});
      return answer;
    } catch (error) {
      throw error instanceof RemoteFailure || signal.aborted ? error : failureOfError(url, firstOf(error as Error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws RemoteFailure what the answer says, unless its status is one of those wanted */
  async expect(call: HttpCall, statuses: readonly number[]): Promise<IncomingMessage> {
    const answer = await this.send(call);
    const status = answer.statusCode!;
    if (statuses.includes(status)) return answer;
    const body = await readText(call, answer, SHOWN_ANSWER).catch(() => '');
    const header = (name: string): string | undefined => answer.headers[name] as string | undefined;
    throw failureOfAnswer({ url: call.url, status, title: answer.statusMessage ?? '', header, body });
  }

  close(): void {
    this.agent.destroy();
  }
}

/**
 * The whole body of an answer.
 * @param most bytes; what is cut off was not asked for by anybody
 * @throws RemoteFailure where the connection breaks, or stands still for as long as the answer may take
 */
export async function readText(
  { url, timeout }: HttpCall,
  answer: IncomingMessage,
  most: number = MAX_ANSWER,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const timer = setTimeout(() => answer.destroy(timedOut(url, timeout)), timeout);
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      timer.refresh();
      if (length >= most) break;
    }
  } catch (error) {
    throw error instanceof RemoteFailure ? error : failureOfError(url, error as Error);
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString();
}

function timedOut(url: URL, timeout: number): RemoteFailure {
  return new RemoteFailure(`${url.host} did not answer within ${timeout / 1000} s`, {
    exitCode: EXIT.timeout,
    retry: true,
    hint: '--timeout 30s waits longer',
  });
}
