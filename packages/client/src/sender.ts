import type { ServerMessage } from '@pulsebeacon/wire';
import { backoff, type BackoffOptions } from './backoff.ts';
import type { Connection } from './connection/connection.ts';
import { type Ending, toError } from './connection/ending.ts';
import type { BeaconError } from './errors.ts';
import { type Entry, Outbox, type OutboxLimits, type Reply } from './outbox.ts';
import { globals, now } from './platform.ts';
import { endingOfFailure, hasType, JSON_TYPE, post, readRefusal } from './transports/http.ts';
import { readMessages } from './transports/read-message.ts';
import type { WireCommand } from './transports/transport.ts';

/** Requests go by this number, links by theirs. */
const BY_POST = -1;
/** So many are under way: by default, a server takes 100 at once, and bears with as many above that. */
const MOST_COMMANDS = 50;
/** Where it does not take as many in this time. */
const FEW_COMMANDS = 8;
/** For one request, a server takes 64 KiB. */
const MOST_CHARACTERS = 48 * 1024;
const POST_TIMEOUT_MS = 10_000;

/** Sends what waits in the outbox: by the link where it takes commands, else by one request after the other. */
export class Sender {
  private readonly connection: Connection;
  private readonly outbox: Outbox;
  private readonly pace: BackoffOptions;
  /** Ends the request that is under way. */
  private posting: { abort(): void } | undefined;
  /**
   * How many are under way: few, once the server was given too many; one, once a request was refused because of one that
   * nobody knows.
   */
  private most = MOST_COMMANDS;
  private failures = 0;
  private holdTimer: unknown;

  constructor(connection: Connection, settings: OutboxLimits & { readonly backoff: BackoffOptions }) {
    this.connection = connection;
    this.outbox = new Outbox(settings, now);
    this.pace = settings.backoff;
  }

  /** Commands that have no reply. */
  get queued(): number {
    return this.outbox.length;
  }

  send(command: WireCommand): Promise<Reply> {
    const reply = this.outbox.add(command);
    this.pump();
    return reply;
  }

  /** @returns whether it was for one of the commands */
  onReply(message: ServerMessage): boolean {
    const outcome = this.outbox.settle(message);
    if (outcome === false) return false;
    if (typeof outcome === 'object') {
      this.most = Math.min(this.most, FEW_COMMANDS);
      this.hold(outcome.retryAfter);
    } else {
      this.failures = 0;
      if (!this.outbox.hasWaiting) this.most = MOST_COMMANDS;
      this.pump();
    }
    return true;
  }

  /** Another link is in use. @param before the one that was */
  onLink(before: number): void {
    this.outbox.lost(before);
    // What a request carries goes before what comes later, so it goes by the new link, too.
    if (this.connection.send !== undefined) {
      this.posting?.abort();
      this.posting = undefined;
      this.outbox.lost(BY_POST);
    }
    globals.clearTimeout(this.holdTimer);
    this.holdTimer = undefined;
    this.pump();
  }

  rejectAll(error: BeaconError): void {
    this.outbox.rejectAll(error);
  }

  private pump(): void {
    const { connection, outbox } = this;
    if (!outbox.hasWaiting || this.holdTimer !== undefined || connection.machine.state !== 'online') return;
    const { send, way } = connection;
    if (send === undefined) void this.postAll();
    else {
      // What is over the measure goes when replies come.
      send(outbox.take(way, this.most - outbox.underWay, MOST_CHARACTERS).map(({ command }) => command));
    }
  }

  private async postAll(): Promise<void> {
    if (this.posting !== undefined) return;
    const abort = new globals.AbortController();
    this.posting = abort;
    const entries = this.outbox.take(BY_POST, this.most, MOST_CHARACTERS);
    const ending = entries.length === 0 ? undefined : await this.post(entries, abort);
    if (this.posting !== abort) return;
    this.posting = undefined;
    if (ending === undefined) this.failures = 0;
    else this.onFailed(entries, ending);
    this.outbox.lost(BY_POST);
    this.pump();
  }

  /** @returns what was wrong */
  private async post(
    entries: readonly Entry[],
    abort: InstanceType<typeof globals.AbortController>,
  ): Promise<Ending | undefined> {
    const timer = globals.setTimeout(() => abort.abort(), POST_TIMEOUT_MS);
    const { connection } = this;
    try {
      const commands = entries.map(({ command }) => command);
      const answer = await post(connection.settings, await connection.hello(), commands, {
        accept: JSON_TYPE,
        signal: abort.signal,
      });
      if (!hasType(answer, JSON_TYPE)) return await readRefusal(answer);
      for (const message of readMessages(await answer.text())) connection.onReply(message);
      return undefined;
    } catch (error) {
      return endingOfFailure(error);
    } finally {
      globals.clearTimeout(timer);
    }
  }

  private onFailed(entries: readonly Entry[], ending: Ending): void {
    const { kind, retryAfter } = ending;
    if (kind === 'session' && this.failures === 0) {
      this.connection.forgetSession();
      this.failures++;
    } else if (kind === 'later' || kind === 'unreachable') this.hold(retryAfter);
    else if (entries.length > 1) this.most = 1;
    else this.outbox.reject(entries[0]!, toError(ending));
  }

  private hold(retryAfter: number | undefined): void {
    if (this.holdTimer !== undefined) return;
    const ms = backoff(this.failures++, this.pace, Math.random(), retryAfter);
    this.holdTimer = globals.setTimeout(() => {
      this.holdTimer = undefined;
      this.pump();
    }, ms);
  }
}
