import { formatPosition, readPosition, type ServerMessage, WireError } from '@pulsebeacon/wire';
import type { HubClient } from '../client.ts';
import type { EncodedPublication } from '../encoded-publication.ts';
import { answerJson } from '../http/answers.ts';
import { isGone } from '../http/http2-response.ts';
import { answerError, answerRefusal, refusalOf } from '../http/problems.ts';
import { stateJson } from '../message-json.ts';
import type { Outlet } from '../outlet.ts';
import { setPosition } from './channel-fields.ts';
import type { ChannelReading } from './channel-reading.ts';

/** Answers with the next publications, or with nothing once the client has waited for as long as it wanted to. */
export async function answerPoll(reading: ChannelReading): Promise<void> {
  const { hub, request, response, channel, session, wanted } = reading;
  const outlet = new PollOutlet(reading);
  const client = hub.connect(session, outlet, request.toOrigin());
  outlet.client = client;
  response.once('close', () => outlet.end());
  try {
    // Each poll is somebody new: nobody could tell who is present.
    await client.subscribeAllowed(channel, { since: wanted.since, isPresent: false });
  } catch (error) {
    if (outlet.end()) throw error;
    return;
  }
  outlet.wait(wanted.waitMs);
}

/** Collects what comes in one turn, and answers with it. */
class PollOutlet implements Outlet {
  readonly transport = 'poll' as const;
  readonly isOfOneChannel = true;
  queuedBytes = 0;
  client: HubClient | undefined;
  private readonly reading: ChannelReading;
  private readonly publications: string[] = [];
  private position = '';
  private recovered = true;
  /** In JSON, where it is not recovered. */
  private state = 'null';
  private timer: NodeJS.Timeout | undefined;
  private hasNews = false;
  private isOver = false;

  constructor(reading: ChannelReading) {
    this.reading = reading;
  }

  publication({ publication, json }: EncodedPublication): boolean {
    const { hub, wanted } = this.reading;
    const hasRoom = this.queuedBytes <= hub.limits.sendHighWaterMark;
    // What there is no room for any more is there when the client returns.
    if (hasRoom && this.publications.length < (wanted.limit ?? hub.limits.maxHistoryLimit)) {
      this.publications.push(json);
      this.position = formatPosition(publication);
      this.queuedBytes += json.length;
      this.onNews();
    }
    return this.queuedBytes <= hub.limits.sendHighWaterMark;
  }

  message(message: ServerMessage): void {
    if (message.type !== 'subscribed') return;
    this.position = message.position ?? '';
    this.recovered = message.recovered;
    if (message.recovered) return;
    this.state = stateJson(message);
    this.onNews();
  }

  close(error: WireError, retryAfterMs?: number): void {
    if (this.hasNews) return this.answer();
    if (!this.end()) return;
    const { hub, request, response } = this.reading;
    const hint = retryAfterMs === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) };
    this.setFields();
    answerRefusal(request, response, refusalOf(hub, error, hint));
  }

  wait(ms: number): void {
    if (this.isOver || this.hasNews) return;
    this.timer = setTimeout(() => this.answerNothing(), ms);
  }

  /** Leaves nothing behind. @returns false where it was over already */
  end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    clearTimeout(this.timer);
    this.client?.closed();
    return !isGone(this.reading.response);
  }

  private onNews(): void {
    if (this.hasNews) return;
    this.hasNews = true;
    // With all that comes in the same turn.
    process.nextTick(() => this.answer());
  }

  private answer(): void {
    if (!this.end()) return;
    const { hub, response, channel } = this.reading;
    const { position, recovered, state, publications } = this;
    const head = JSON.stringify({ channel, position, recovered }).slice(0, -1);
    const current = recovered ? '' : `,"state":${state}`;
    this.setFields();
    answerJson(hub.limits, response, `${head}${current},"publications":[${publications.join(',\n')}]}\n`);
  }

  private answerNothing(): void {
    if (!this.end()) return;
    const { hub, request, response } = this.reading;
    if (this.position === '') return answerError(hub, request, response, new WireError('PB_HUB_FAILED'));
    this.setFields();
    response.statusCode = 204;
    response.end();
  }

  private setFields(): void {
    const { response, wanted } = this.reading;
    const { position, waitMs, applied } = { ...wanted, position: readPosition(this.position) };
    const wait = Math.max(1, Math.floor(waitMs / 1000));
    if (position !== undefined) setPosition(response, position, `since=${this.position}&wait=${wait}`);
    if (applied !== undefined) response.setHeader('Preference-Applied', applied);
    response.setHeader('Cache-Control', 'no-store');
  }
}
