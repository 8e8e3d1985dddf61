import {
  type ByeMessage,
  type PublicationMessage,
  readPosition,
  readServerMessage,
  type SubscribedMessage,
  type UnsubscribedMessage,
  WIRE_ERRORS,
  type WireErrorEntry,
} from '@pulsebeacon/wire';
import type { Screen } from '../connect/screen.ts';
import { Failure } from '../failure.ts';
import { EXIT } from '../remote/exit-codes.ts';
import type { Notices } from '../remote/notices.ts';
import { RemoteFailure } from '../remote/remote-failure.ts';
import { pause, Retries } from '../remote/retries.ts';
import type { Feed, FeedSink } from './feed.ts';
import type { PublicationWriter } from './publication-writer.ts';
import { RecoveryCount } from './recovery-count.ts';
import type { SubscribeSettings } from './settings.ts';

export interface FollowerParts {
  readonly settings: SubscribeSettings;
  readonly feed: Feed;
  readonly screen: Screen;
  readonly writer: PublicationWriter;
  readonly notices: Notices;
  readonly signal: AbortSignal;
}

/** Follows one channel over as many connections as it takes: what is missed between two of them comes with the next. */
export class Follower implements FeedSink {
  private readonly parts: FollowerParts;
  private readonly retries: Retries;
  private readonly recovery: RecoveryCount;
  /** Ends what is under way, for good. */
  private readonly end = new AbortController();
  /** Where we are. */
  private position: string | undefined;
  private received = 0;
  private hasConnected = false;
  /** Why the server ends the connection, as it said itself. */
  private farewell: RemoteFailure | undefined;
  /** Why we end. */
  private failure: Error | undefined;
  private isReaderSlow = false;

  constructor(parts: FollowerParts) {
    this.parts = parts;
    this.retries = new Retries(parts.settings.retryFor);
    this.recovery = new RecoveryCount((count) => {
      parts.notices.note(count === 0 ? 'nothing was missed' : `recovered ${count.toLocaleString('en-US')}`);
    });
    parts.screen.stdout.on('error', (error: NodeJS.ErrnoException) => this.onOutputFailed(error));
    parts.screen.stderr.on('error', () => {});
  }

  /** @throws RemoteFailure, Failure why it ended before its time; the reason of the signal */
  async run(): Promise<void> {
    const { settings, feed, signal } = this.parts;
    const timer = settings.wait === Infinity ? undefined : setTimeout(() => this.finish(), settings.wait);
    try {
      await this.follow(AbortSignal.any([signal, this.end.signal]));
    } finally {
      clearTimeout(timer);
      this.recovery.finish();
      feed.close();
    }
    signal.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
    if (settings.count !== Infinity && this.received < settings.count) {
      const what = `${this.received} of ${settings.count} publications came before the end`;
      throw new RemoteFailure(what, { exitCode: EXIT.tooFew, retry: false });
    }
  }

  message(text: string): void {
    if (this.end.signal.aborted) return;
    const message = readServerMessage(text);
    switch (message?.type) {
      case 'publication':
        return this.onPublication(message, text);
      case 'subscribed':
        return this.onSubscribed(message);
      case 'skipped':
        return this.parts.notices.warn(`skipped ${message.count}: they came faster than they were read`);
      case 'unsubscribed':
        this.farewell = farewellOf(message);
        return;
      case 'error':
      case 'bye':
        this.farewell = farewellOf(message);
        return;
    }
  }

  /** Connects again and again, until it ends. */
  private async follow(signal: AbortSignal): Promise<void> {
    const { feed, notices, settings } = this.parts;
    while (!signal.aborted) {
      this.farewell = undefined;
      try {
        const ended = await this.attempt(feed, this.position ?? settings.since, signal);
        if (signal.aborted) return;
        this.recovery.finish();
        const failure = this.farewell ?? ended;
        const delay = this.retries.next(failure);
        if (delay === undefined) throw failure;
        notices.retrying(failure, delay);
        await pause(delay, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
    }
  }

  private async attempt(feed: Feed, since: string | undefined, signal: AbortSignal): Promise<RemoteFailure> {
    try {
      return await feed.follow(since, this, signal);
    } catch (error) {
      if (error instanceof RemoteFailure) return error;
      throw error;
    }
  }

  private onSubscribed({ position, recovered, state }: SubscribedMessage): void {
    const { settings, notices } = this.parts;
    const since = this.position ?? settings.since;
    this.retries.opened();
    notices.note(`connected${this.hasConnected ? ' again' : ''}: ${settings.channel} at ${settings.server.base.href}`);
    this.hasConnected = true;
    if (!recovered) {
      notices.warn(`not recovered: what was published since ${since ?? 'then'} is not all kept`);
      const isNew = state !== undefined && state !== null && !isBehind(state.position, this.position);
      if (isNew) this.onPublication(state, JSON.stringify(state));
    } else if (since !== undefined) {
      this.recovery.begin();
    }
    if (position !== undefined) this.position = position;
  }

  private onPublication(publication: PublicationMessage, text: string): void {
    const { settings, writer } = this.parts;
    // A server does not send it twice; whoever stands between may.
    if (isBehind(publication.position, this.position)) return;
    this.position = publication.position;
    this.received++;
    this.recovery.publication();
    if (!writer.write(publication, text)) this.waitForReader();
    if (this.received >= settings.count) this.finish();
  }

  /** Whoever reads our output does not keep up: then we do not read the server. */
  private waitForReader(): void {
    if (this.isReaderSlow) return;
    this.isReaderSlow = true;
    const { feed, screen } = this.parts;
    feed.pause();
    screen.stdout.once('drain', () => {
      this.isReaderSlow = false;
      feed.resume();
    });
  }

  private onOutputFailed(error: NodeJS.ErrnoException): void {
    // A reader that has left has seen enough: head, or less.
    const isGone = error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
    if (!isGone) this.failure ??= new Failure(`cannot write: ${error.message}`);
    this.finish();
    this.parts.feed.resume();
  }

  private finish(): void {
    this.end.abort();
  }
}

/** Whether we have had a publication already. */
function isBehind(text: string, since: string | undefined): boolean {
  const position = readPosition(text);
  const last = since === undefined ? undefined : readPosition(since);
  return position !== undefined && position.epoch === last?.epoch && position.offset <= last.offset;
}

function farewellOf(
  message: UnsubscribedMessage | Pick<ByeMessage, 'code' | 'detail' | 'retry' | 'retryAfter'>,
): RemoteFailure {
  const { code = 'PB_NOT_SUBSCRIBED', detail = 'the server has ended the subscription' } = message;
  const entry = (WIRE_ERRORS as Readonly<Record<string, WireErrorEntry>>)[code];
  const retry = 'retry' in message ? message.retry : (entry?.retry ?? false);
  return new RemoteFailure(`${detail} (${code})`, {
    exitCode: retry ? EXIT.lost : EXIT.refused,
    retry,
    retryAfter: 'retryAfter' in message ? message.retryAfter : undefined,
  });
}
