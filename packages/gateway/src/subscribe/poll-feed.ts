import { type HttpCall, HttpClient, readText } from '../remote/http-client.ts';
import { notAChannel } from '../remote/remote-failure.ts';
import { channelUrl, type RemoteServer } from '../remote/server.ts';
import type { Feed, FeedSink } from './feed.ts';
import { jsonParts } from './json-parts.ts';

const WAIT_SECONDS = 25;

/** What a poll was answered with. */
interface PollAnswer {
  readonly position: string;
  /** As `subscribed` would say it. */
  readonly subscribed: string;
  readonly isRecovered: boolean;
  readonly publications: readonly string[];
}

/** A channel by long polls: each says where the one before it has left off. */
export class PollFeed implements Feed {
  private readonly server: RemoteServer;
  private readonly channel: string;
  private readonly client: HttpClient;
  private paused: Promise<void> | undefined;
  private goOn: (() => void) | undefined;

  constructor(server: RemoteServer, channel: string) {
    this.server = server;
    this.channel = channel;
    this.client = new HttpClient(server);
  }

  async follow(since: string | undefined, sink: FeedSink, signal: AbortSignal): Promise<never> {
    let position = since;
    // The first does not wait: what is published from its answer on is not missed, whatever becomes of the second.
    for (let seconds = 0; ; seconds = WAIT_SECONDS) {
      const answer = await this.poll(position, seconds, signal);
      if (seconds === 0 || !answer.isRecovered) sink.message(answer.subscribed);
      for (const publication of answer.publications) sink.message(publication);
      position = answer.position;
      await this.paused;
      signal.throwIfAborted();
    }
  }

  pause(): void {
    this.paused ??= new Promise((resolve) => (this.goOn = resolve));
  }

  resume(): void {
    this.goOn?.();
    this.paused = undefined;
  }

  close(): void {
    this.client.close();
  }

  private async poll(since: string | undefined, seconds: number, signal: AbortSignal): Promise<PollAnswer> {
    const query = { wait: String(seconds), ...(since === undefined ? {} : { since }) };
    const url = channelUrl(this.server, this.channel, query);
    const timeout = this.server.timeout + seconds * 1000;
    const call: HttpCall = { method: 'GET', url, headers: { Accept: 'application/json' }, timeout, signal };
    const answer = await this.client.expect(call, [200, 204]);
    const body = await readText(call, answer);
    const position = answer.headers['pulse-position'];
    const parts = answer.statusCode === 204 ? new Map<string, string>() : readBody(url, body);
    if (typeof position !== 'string') throw notAChannel(url, 'there is no Pulse-Position in its answer');
    const publications = [...jsonParts(parts.get('publications') ?? '[]').values()];
    return {
      position,
      subscribed: this.subscribed(parts, publications.length > 0 ? undefined : position),
      isRecovered: parts.get('recovered') !== 'false',
      publications,
    };
  }

  /** Where publications follow, they say themselves where the client is. */
  private subscribed(parts: ReadonlyMap<string, string>, position: string | undefined): string {
    const state = parts.get('state');
    const fields = [
      `"type":"subscribed","channel":${JSON.stringify(this.channel)}`,
      `"recovered":${parts.get('recovered') ?? 'true'}`,
      ...(position === undefined ? [] : [`"position":${JSON.stringify(position)}`]),
      ...(state === undefined ? [] : [`"state":${state}`]),
    ];
    return `{${fields.join(',')}}`;
  }
}

function readBody(url: URL, body: string): Map<string, string> {
  try {
    JSON.parse(body);
  } catch {
    throw notAChannel(url, 'its answer is not JSON');
  }
  return jsonParts(body);
}
