import type { PublishResult } from '@pulsebeacon/hub';
import { type HttpCall, HttpClient, readText } from '../remote/http-client.ts';
import { notAChannel, RemoteFailure } from '../remote/remote-failure.ts';
import { pause, Retries } from '../remote/retries.ts';
import { channelUrl, type RemoteServer } from '../remote/server.ts';
import type { Payload } from './payload.ts';

export interface PublisherOptions {
  readonly server: RemoteServer;
  readonly channel: string;
  /** What it is the newest state of. */
  readonly stateKey: string | undefined;
  readonly reach: boolean;
  /** Milliseconds after a first failure in which it is tried again. */
  readonly retryFor: number;
  readonly signal: AbortSignal;
  /** It did not work, and is tried again in so many milliseconds. */
  onRetry(failure: RemoteFailure, delay: number): void;
}

/** Publishes into one channel by POST: again where that may help, and never twice. */
export class Publisher {
  private readonly options: PublisherOptions;
  private readonly client: HttpClient;
  private readonly url: URL;

  constructor(options: PublisherOptions) {
    const { server, channel, stateKey, reach } = options;
    this.options = options;
    this.client = new HttpClient(server);
    const query = { ...(stateKey === undefined ? {} : { key: stateKey }), ...(reach ? { reach: '1' } : {}) };
    this.url = channelUrl(server, channel, query);
  }

  /**
   * @param idempotencyKey by which the server knows an attempt that it has taken already
   * @throws RemoteFailure where it is refused, or was tried for long enough; the reason of the signal
   */
  async publish(payload: Payload, idempotencyKey: string): Promise<PublishResult> {
    const { retryFor, signal, onRetry } = this.options;
    const retries = new Retries(retryFor);
    for (;;) {
      try {
        return await this.attempt(payload, idempotencyKey);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof RemoteFailure)) throw error;
        const delay = retries.next(error);
        if (delay === undefined) throw error;
        onRetry(error, delay);
        await pause(delay, signal);
      }
    }
  }

  close(): void {
    this.client.close();
  }

  private async attempt({ body, contentType }: Payload, idempotencyKey: string): Promise<PublishResult> {
    const { server, signal } = this.options;
    const headers = { 'Content-Type': contentType, 'Idempotency-Key': idempotencyKey };
    const call: HttpCall = { method: 'POST', url: this.url, headers, body, timeout: server.timeout, signal };
    const answer = await this.client.expect(call, [200, 201]);
    const text = await readText(call, answer);
    const published = readPublished(text);
    if (published !== undefined) return published;
    throw notAChannel(this.url, `it answered ${answer.statusCode}, and no position`);
  }
}

function readPublished(text: string): PublishResult | undefined {
  try {
    const { position, duplicate, reach } = JSON.parse(text) as Partial<PublishResult>;
    if (typeof position !== 'string') return undefined;
    return { position, duplicate: duplicate === true, ...(reach === undefined ? {} : { reach }) };
  } catch {
    return undefined;
  }
}
