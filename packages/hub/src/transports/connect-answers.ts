import type { ServerResponse } from 'node:http';
import { type Command, CommandError, errorMessage, WireError } from '@pulsebeacon/wire';
import { HubClient } from '../client.ts';
import { answerJson } from '../http/answers.ts';
import { isGone } from '../http/http2-response.ts';
import type { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import type { Heartbeats } from '../heartbeats.ts';
import type { RateTable } from '../rate-table.ts';
import { CollectingOutlet, type Collector } from './collecting-outlet.ts';
import { CommandQueue, type QueueOwner } from './command-queue.ts';
import type { Greeting } from './connect-greeting.ts';
import { setStreamFields, type StreamFormat, StreamOutlet } from './stream-outlet.ts';

/** A POST to `/connect` that was let in: what it wants, and where the answer goes. */
export interface Exchange {
  readonly hub: Hub;
  readonly request: HubRequest;
  readonly response: ServerResponse;
  readonly greeting: Greeting;
  readonly commands: readonly (Command | CommandError)[];
  /** Of the commands of each session. */
  readonly rates: RateTable;
}

/** A stream that goes on for as long as the client stays. @throws {WireError} where nobody else may connect */
export function answerByStream(exchange: Exchange, format: StreamFormat, heartbeats: Heartbeats): void {
  const { hub, request, response, greeting } = exchange;
  const outlet = new StreamOutlet(response, format, hub.limits.sendHighWaterMark);
  setStreamFields(response, format);
  const client = hub.connect(greeting.session, outlet, request.toOrigin());
  outlet.client = client;
  outlet.message(greeting.welcome);
  const queue = new CommandQueue(client, {
    room: () => (outlet.queuedBytes <= hub.limits.sendHighWaterMark ? undefined : whenRead(response)),
    idle: () => {},
  });
  const endHeartbeat = heartbeats.add(outlet);
  response.once('close', () => {
    endHeartbeat();
    queue.clear();
  });
  feed(exchange, client, queue);
}

/** Answers with the replies to all commands. */
export function answerAtOnce(exchange: Exchange, done: () => void): void {
  const { hub, request, response, greeting, commands } = exchange;
  const owner: QueueOwner & Collector = {
    room: () => requireRoom(hub, outlet),
    idle: () => {
      client.closed();
      answerWith(hub, response, outlet);
      done();
    },
    onNews: () => {},
    onEnd: () => {},
  };
  const outlet = new CollectingOutlet(owner, hub.limits.sendHighWaterMark);
  // It does not stay: nobody counts it among those who are connected.
  const client = new HubClient(hub, greeting.session, outlet, request.toOrigin());
  outlet.message(greeting.welcome);
  const queue = new CommandQueue(client, owner);
  feed({ ...exchange, commands: commands.map(withoutSubscribe) }, client, queue);
  if (queue.size === 0) owner.idle();
}

/** Answers as soon as there is news, at the latest after a while. The client counts as present until it comes again. */
export class PollAnswer implements QueueOwner, Collector {
  private readonly client: HubClient;
  private readonly response: ServerResponse;
  private readonly hub: Hub;
  private readonly outlet: CollectingOutlet;
  private readonly queue: CommandQueue;
  private readonly done: () => void;
  private readonly timer: NodeJS.Timeout;
  private hasNews = false;
  private isDue = false;
  private isScheduled = false;
  private isAnswered = false;

  /**
   * @param done it was answered, or nobody is there any more
   * @throws {WireError} where nobody else may connect
   */
  constructor(exchange: Exchange, waitMs: number, done: (poll: PollAnswer) => void) {
    const { hub, request, response, greeting } = exchange;
    this.hub = hub;
    this.response = response;
    this.outlet = new CollectingOutlet(this, hub.limits.sendHighWaterMark);
    this.client = hub.connect(greeting.session, this.outlet, request.toOrigin());
    this.queue = new CommandQueue(this.client, this);
    this.done = () => done(this);
    this.timer = setTimeout(() => this.onDue(), waitMs);
    response.once('close', () => this.answer());
    this.outlet.message(greeting.welcome);
    feed(exchange, this.client, this.queue);
    if (this.queue.size === 0) this.idle();
  }

  /** Another poll of the session takes its place: it is answered with what there is. The client is still there. */
  replace(): void {
    this.outlet.close(new WireError('PB_REQUEST_BUSY', 'another poll of this session takes its place'));
  }

  room(): undefined {
    return requireRoom(this.hub, this.outlet);
  }

  /** All commands have their reply: what they bring goes along with it. */
  idle(): void {
    // Who follows nothing has nothing to wait for.
    if (this.hasNews || this.isDue || this.client.subscriptions.size === 0) this.answerSoon();
  }

  onNews(): void {
    this.hasNews = true;
    if (this.queue.size === 0) this.answerSoon();
  }

  onEnd(): void {
    this.answerSoon();
  }

  /** Whatever the wait, all commands are answered. */
  private onDue(): void {
    this.isDue = true;
    if (this.queue.size === 0) this.answer();
  }

  /** Not before the end of the turn: what is published in it goes along. */
  private answerSoon(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => this.answer());
  }

  private answer(): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    clearTimeout(this.timer);
    this.queue.clear();
    this.client.closed(true);
    answerWith(this.hub, this.response, this.outlet);
    this.done();
  }
}

function answerWith({ limits }: Hub, response: ServerResponse, outlet: CollectingOutlet): void {
  if (!isGone(response)) answerJson(limits, response, outlet.toJson());
}

/** Has the client's commands carried out; what is wrong with one is the answer to it, and the others go on. */
function feed({ hub, commands, rates }: Exchange, client: HubClient, queue: CommandQueue): void {
  const { commandRate, commandBurst } = hub.limits;
  for (const command of commands) {
    if (command instanceof CommandError) refuse(client, command, command.id);
    else if (command.type === 'hello') refuse(client, new WireError('PB_HELLO_REPEATED'), command.id);
    else if (rates.take(client.id, commandRate, commandBurst)) queue.add(command);
    else refuse(client, client.overRate(), command.id, command.channel);
  }
}

function refuse({ hub, origin, outlet }: HubClient, error: WireError, id?: number, channel?: string): void {
  hub.onRefused(error, origin);
  outlet.message(errorMessage(error, id, channel));
}

/** An answer at once follows nothing. */
function withoutSubscribe(command: Command | CommandError): Command | CommandError {
  if (command instanceof CommandError || command.type !== 'subscribe') return command;
  const detail =
    'this answer ends at once, so it follows nothing: ask with Accept: application/x-ndjson or text/event-stream for a stream, or with Prefer: wait=25 for the next publications';
  return new CommandError(new WireError('PB_NOT_ACCEPTABLE', detail), command.id);
}

/** One answer does not grow without end. @throws {WireError} `PB_TOO_MANY_COMMANDS` */
function requireRoom({ limits }: Hub, { size }: CollectingOutlet): undefined {
  if (size <= limits.maxQueuedBytes) return;
  throw new WireError(
    'PB_TOO_MANY_COMMANDS',
    `the answer is longer than ${limits.maxQueuedBytes} bytes already: send this command in a request of its own`,
  );
}

/** Resolves once the client has read what was written, or is gone. */
async function whenRead(response: ServerResponse): Promise<void> {
  // What was handed over in this turn is written at its end.
  await new Promise((resolve) => setImmediate(resolve));
  if (!response.writableNeedDrain || isGone(response)) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      response.off('drain', end).off('close', end);
      resolve();
    };
    response.on('drain', end).on('close', end);
  });
}
