import type { ServerConnection } from '@pulsebeacon/websocket';
import { type Command, CommandError, type ServerMessage, type Since, WireError } from '@pulsebeacon/wire';
import type { ClientOrigin, HubClient } from '../client.ts';
import type { Heartbeats } from '../heartbeats.ts';
import type { Hub } from '../hub.ts';
import type { Outlet } from '../outlet.ts';
import { payloadOfMessage } from '../payloads.ts';
import type { Session } from '../session-token.ts';
import type { ClientCommand } from './command-queue.ts';
import { commandOf, SocketCommands } from './socket-commands.ts';
import { WatchfulOutlet } from './watchful-outlet.ts';
import { RawWebSocketOutlet } from './websocket-outlet.ts';

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
      .subscribeAllowed(this.channel, { since, echo })
      .catch((error: unknown) => client.close(this.hub.toWireError(error)))
      .finally(() => this.resume());
  }

  onDrain(): void {
    this.client?.drained();
  }

  /** @param code of the close, RFC 6455 §7.4 */
  onClose(code: number): void {
    this.client?.closed(false, code);
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
    this.outlet = new RawWebSocketOutlet(connection);
  }

  onMessage(data: string | Uint8Array): void {
    const { client } = this;
    if (client === undefined || this.connection.state !== 'open') return;
    client.tap?.received({ type: 'payload', data });
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

/** Messages in envelopes, as on `/connect`, without `hello` and about one channel. */
export class EnvelopeChannelSocket extends ChannelSocket {
  protected readonly outlet: EnvelopeChannelOutlet;
  private commands: SocketCommands | undefined;
  private endHeartbeat: (() => void) | undefined;

  constructor(hub: Hub, connection: ServerConnection<unknown>, wish: SocketWish) {
    super(hub, connection, wish);
    this.outlet = new EnvelopeChannelOutlet(connection, hub.limits, (flood) => this.client?.close(flood));
  }

  protected override begin(client: HubClient, heartbeats: Heartbeats): void {
    this.commands = new SocketCommands(client, this.connection);
    this.endHeartbeat = heartbeats.add(this.outlet);
  }

  onMessage(data: string | Uint8Array): void {
    const { commands } = this;
    if (commands === undefined || this.connection.state !== 'open') return;
    try {
      commands.add(this.withoutHello(commandOf(data, this.channel)), data.length);
    } catch (error) {
      commands.onFault(error as WireError, this.channel);
    }
  }

  override onClose(code: number): void {
    this.endHeartbeat?.();
    this.commands?.clear();
    super.onClose(code);
  }

  private withoutHello(command: Command): ClientCommand {
    if (command.type !== 'hello') return command;
    const hint = `this is the WebSocket of ${this.channel}: hello is for /connect`;
    throw new CommandError(new WireError('PB_MESSAGE_UNKNOWN', hint), command.id);
  }
}

class EnvelopeChannelOutlet extends WatchfulOutlet {
  override message(message: ServerMessage): void {
    super.message(message);
    // The server has ended it, and not the client: there is nothing else here to stay for.
    if (message.type === 'unsubscribed' && message.code !== undefined) {
      this.close(new WireError(message.code, message.detail));
    }
  }
}
