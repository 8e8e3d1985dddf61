import type { ServerConnection } from '@pulsebeacon/websocket';
import {
  type Command,
  CommandError,
  errorMessage,
  parseCommand,
  type ServerMessage,
  type Since,
  WireError,
} from '@pulsebeacon/wire';
import type { ClientOrigin, HubClient } from '../client.ts';
import type { Heartbeats } from '../heartbeats.ts';
import type { Hub } from '../hub.ts';
import type { Outlet } from '../outlet.ts';
import { payloadOfMessage } from '../payloads.ts';
import type { Session } from '../session-token.ts';
import { CommandQueue, type QueueOwner } from './command-queue.ts';
import { closeReason, EnvelopeWebSocketOutlet, RawWebSocketOutlet } from './websocket-outlet.ts';

const CLOSE_POLICY_VIOLATION = 1008;
const CLOSE_TOO_LARGE = 1009;

/** What a WebSocket was opened for. */
export interface SocketWish {
  readonly channel: string;
  readonly since: Since | undefined;
  readonly echo: boolean;
  readonly isEnveloped: 'offered' | 'asked' | false;
  readonly session: Session;
}

/** One WebSocket on a channel. */
export abstract class ChannelSocket {
  protected readonly hub: Hub;
  protected readonly connection: ServerConnection<unknown>;
  protected readonly channel: string;
  protected client: HubClient | undefined;
  private wish: SocketWish | undefined;
  private isPaused = false;

  constructor(hub: Hub, connection: ServerConnection<unknown>, wish: SocketWish) {
    this.hub = hub;
    this.connection = connection;
    this.channel = wish.channel;
    this.wish = wish;
  }

  protected abstract readonly outlet: Outlet;

  open(origin: ClientOrigin, heartbeats: Heartbeats): void {
    const { session, since, echo } = this.wish!;
    this.wish = undefined;
    let client: HubClient;
    try {
      client = this.hub.connect(session, this.outlet, origin);
    } catch (error) {
      // Others have come while it was decided on.
      this.outlet.close(error as WireError);
      return;
    }
    this.client = client;
    this.begin(client, heartbeats);
    // What it asks for is answered after `subscribed`, whatever the broker.
    this.pause();
    client
      .subscribe(this.channel, { since, echo })
      .catch((error: unknown) => client.close(this.hub.toWireError(error)))
      .finally(() => this.resume());
  }

  onDrain(): void {
    this.client?.drained();
  }

  onClose(): void {
    this.client?.closed();
  }

  abstract onMessage(data: string | Uint8Array): void;

  protected begin(_client: HubClient, _heartbeats: Heartbeats): void {}

  /** So much is under way already that the client is not read from for the moment. */
  protected pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.connection.pause();
  }

  protected resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.connection.resume();
  }
}

/** Bytes and publications of one client that may be under way at once. */
const MAX_BYTES_UNDER_WAY = 1_048_576;
const MAX_UNDER_WAY = 1024;

/** Payloads alone, both ways. What is wrong can only be said by closing. */
export class RawChannelSocket extends ChannelSocket {
  protected readonly outlet: Outlet;
  private underWay = 0;
  private bytesUnderWay = 0;

  constructor(hub: Hub, connection: ServerConnection<unknown>, wish: SocketWish) {
    super(hub, connection, wish);
    this.outlet = new RawChannelOutlet(connection);
  }

  onMessage(data: string | Uint8Array): void {
    const { client } = this;
    if (client === undefined || this.connection.state !== 'open') return;
    try {
      client.takeTurn();
    } catch (error) {
      return this.fail(error as WireError, client);
    }
    const { kind, contentType } = payloadOfMessage(data);
    try {
      const publication = { kind, contentType, data, publisher: client.id };
      const submitted = this.hub.submit(this.channel, publication, { by: client.session });
      if (submitted instanceof Promise) this.await(submitted, data.length, client);
    } catch (error) {
      this.fail(this.hub.toWireError(error), client);
    }
  }

  private await(submitted: Promise<unknown>, size: number, client: HubClient): void {
    this.underWay++;
    this.bytesUnderWay += size;
    if (this.underWay >= MAX_UNDER_WAY || this.bytesUnderWay >= MAX_BYTES_UNDER_WAY) this.pause();
    submitted
      .catch((error: unknown) => this.fail(this.hub.toWireError(error), client))
      .finally(() => {
        this.bytesUnderWay -= size;
        if (--this.underWay === 0) this.resume();
      });
  }

  private fail(error: WireError, client: HubClient): void {
    if (this.connection.state !== 'open') return;
    this.hub.onRefused(error, client.origin);
    client.close(error);
  }
}

class RawChannelOutlet extends RawWebSocketOutlet {
  override message(message: ServerMessage): void {
    // Whoever wanted to go on from somewhere must not believe that nothing is missing.
    if (message.type === 'subscribed' && !message.recovered) {
      const detail = 'what was published since is not all kept: read the history, and follow anew';
      this.connection.close(CLOSE_POLICY_VIOLATION, `PB_POSITION_INVALID; ${detail}`);
    }
  }

  override close(error: WireError, retryAfterMs?: number): void {
    if (error.entry.closeCode !== undefined) return super.close(error, retryAfterMs);
    // The table knows no code where an answer is enough: here there is none.
    const code = error.code === 'PB_PAYLOAD_TOO_LARGE' ? CLOSE_TOO_LARGE : CLOSE_POLICY_VIOLATION;
    this.connection.close(code, closeReason(error, undefined));
  }
}

/** So many of the largest commands may be under way before the client is not read from. */
const LARGEST_UNDER_WAY = 4;

/** Messages in envelopes, as on `/connect`, without `hello` and about one channel. */
export class EnvelopeChannelSocket extends ChannelSocket implements QueueOwner {
  protected readonly outlet: EnvelopeChannelOutlet;
  private commands: CommandQueue | undefined;
  private endHeartbeat: (() => void) | undefined;
  private load = 0;

  constructor(hub: Hub, connection: ServerConnection<unknown>, wish: SocketWish) {
    super(hub, connection, wish);
    this.outlet = new EnvelopeChannelOutlet(connection);
  }

  protected override begin(client: HubClient, heartbeats: Heartbeats): void {
    this.commands = new CommandQueue(client, this);
    this.endHeartbeat = heartbeats.add(this.outlet);
  }

  onMessage(data: string | Uint8Array): void {
    const { client, commands } = this;
    if (client === undefined || commands === undefined || this.connection.state !== 'open') return;
    try {
      if (typeof data !== 'string') {
        throw new WireError('PB_MESSAGE_INVALID', 'a message is text: send JSON, bytes in base64 within it');
      }
      commands.add(this.checkCommand(parseCommand(data, this.channel)));
      this.load += data.length;
      if (this.load > LARGEST_UNDER_WAY * this.hub.limits.maxCommandSize && commands.size > 0) this.pause();
    } catch (error) {
      this.onFault(error as WireError, client);
    }
  }

  override onClose(): void {
    this.endHeartbeat?.();
    this.commands?.clear();
    super.onClose();
  }

  room(): Promise<void> | undefined {
    if (this.connection.queuedBytes <= this.hub.limits.sendHighWaterMark) return undefined;
    // Where it closes meanwhile, nobody hears the reply.
    return this.connection.drained().catch(() => {});
  }

  idle(): void {
    this.load = 0;
    this.resume();
  }

  private checkCommand(command: Command): Exclude<Command, { type: 'hello' }> {
    const { channel } = this;
    if (command.type === 'hello') {
      const hint = `this is the WebSocket of ${channel}: hello is for /connect`;
      throw new CommandError(new WireError('PB_MESSAGE_UNKNOWN', hint), command.id);
    }
    return command;
  }

  /** What cannot be carried out is answered, and counts as a message. What is none ends the connection. */
  private onFault(error: WireError, client: HubClient): void {
    let fault = error;
    try {
      client.takeTurn();
    } catch (rate) {
      fault = rate as WireError;
    }
    this.hub.onRefused(fault, client.origin);
    this.outlet.message(errorMessage(fault, error instanceof CommandError ? error.id : undefined, this.channel));
    if (fault === error && error.entry.closeCode !== undefined) this.outlet.close(error);
  }
}

class EnvelopeChannelOutlet extends EnvelopeWebSocketOutlet {
  override message(message: ServerMessage): void {
    super.message(message);
    // The server has ended it, and not the client: there is nothing else here to stay for.
    if (message.type === 'unsubscribed' && message.code !== undefined) {
      this.close(new WireError(message.code, message.detail));
    }
  }
}
