import type { ServerConnection } from '@pulsebeacon/websocket';
import {
  type Command,
  CommandError,
  errorMessage,
  type HelloCommand,
  parseCommand,
  type ServerMessage,
  WIRE_VERSIONS,
  WireError,
} from '@pulsebeacon/wire';
import type { HubClient } from '../client.ts';
import type { Heartbeats } from '../heartbeats.ts';
import type { Hub } from '../hub.ts';
import { byeMessage } from '../message-json.ts';
import { TokenBucket } from '../token-bucket.ts';
import { CommandQueue, type QueueOwner } from './command-queue.ts';
import { greet, identify, type Visitor } from './connect-greeting.ts';
import { closeReason, EnvelopeWebSocketOutlet } from './websocket-outlet.ts';

/** So many of the largest commands may be under way before the client is not read from. */
const LARGEST_UNDER_WAY = 4;

/** One WebSocket on `/connect`: `hello` first, then commands. */
export class ConnectSocket implements QueueOwner {
  private readonly hub: Hub;
  private readonly connection: ServerConnection<unknown>;
  private readonly outlet: ConnectOutlet;
  private readonly heartbeats: Heartbeats;
  /** Until it has said hello. */
  private visitor: Visitor | undefined;
  private client: HubClient | undefined;
  private commands: CommandQueue | undefined;
  private helloTimer: NodeJS.Timeout | undefined;
  private endHeartbeat: (() => void) | undefined;
  /** Characters of commands that came since nothing was under way. */
  private load = 0;
  private isPaused = false;

  constructor(hub: Hub, connection: ServerConnection<unknown>, visitor: Visitor, heartbeats: Heartbeats) {
    this.hub = hub;
    this.connection = connection;
    this.visitor = visitor;
    this.heartbeats = heartbeats;
    this.outlet = new ConnectOutlet(connection, hub, () => this.onFlood());
    const { helloTimeout } = hub.limits;
    this.helloTimer = setTimeout(() => {
      this.refuse(new WireError('PB_HELLO_TIMEOUT', `hello did not come within ${helloTimeout} ms`));
    }, helloTimeout).unref();
  }

  onMessage(data: string | Uint8Array): void {
    if (this.connection.state !== 'open') return;
    try {
      if (typeof data !== 'string') {
        throw new WireError('PB_MESSAGE_INVALID', 'a message is text: send JSON, bytes in base64 within it');
      }
      this.onCommand(parseCommand(data), data.length);
    } catch (error) {
      this.onFault(error as WireError);
    }
  }

  onDrain(): void {
    this.client?.drained();
  }

  /** A message is larger than any may be: the connection ends with 1009. */
  onTooBig(): void {
    const origin = this.client?.origin ?? this.visitor!.request.toOrigin();
    const detail = `a message has at most ${this.hub.limits.maxCommandSize} bytes`;
    this.hub.onRefused(new WireError('PB_PAYLOAD_TOO_LARGE', detail), origin);
  }

  onClose(): void {
    clearTimeout(this.helloTimer);
    this.endHeartbeat?.();
    this.commands?.clear();
    this.client?.closed();
  }

  room(): Promise<void> | undefined {
    if (this.connection.queuedBytes <= this.hub.limits.sendHighWaterMark) return undefined;
    // Where it closes meanwhile, nobody hears the reply.
    return this.connection.drained().catch(() => {});
  }

  idle(): void {
    this.load = 0;
    if (!this.isPaused) return;
    this.isPaused = false;
    this.connection.resume();
  }

  private onCommand(command: Command, length: number): void {
    const { commands } = this;
    if (command.type === 'hello') {
      if (commands !== undefined) throw new CommandError(new WireError('PB_HELLO_REPEATED'), command.id);
      this.onHello(command);
      return;
    }
    if (commands === undefined) throw new CommandError(new WireError('PB_HELLO_MISSING'), command.id);
    commands.add(command);
    this.load += length;
    if (this.load <= LARGEST_UNDER_WAY * this.hub.limits.maxCommandSize || commands.size === 0) return;
    this.isPaused = true;
    this.connection.pause();
  }

  private onHello(hello: HelloCommand): void {
    clearTimeout(this.helloTimer);
    // What follows waits until it is known whose it is.
    this.connection.pause();
    this.enter(hello, this.visitor!)
      .catch((error: unknown) => this.refuse(this.hub.toWireError(error), hello.id))
      .finally(() => this.connection.resume());
  }

  private async enter(hello: HelloCommand, visitor: Visitor): Promise<void> {
    const { hub, connection, outlet } = this;
    const principal = await identify(hub, hello, visitor);
    if (connection.state !== 'open') return;
    const { session, welcome } = greet(hub, hello, principal);
    const client = hub.connect(session, outlet, visitor.request.toOrigin());
    this.visitor = undefined;
    this.client = client;
    this.commands = new CommandQueue(client, this);
    outlet.message(welcome);
    this.endHeartbeat = this.heartbeats.add(outlet);
  }

  /** A message that cannot be carried out: the client may go on, if it was one at all. */
  private onFault(error: WireError): void {
    const { client } = this;
    const id = error instanceof CommandError ? error.id : undefined;
    if (client === undefined) {
      this.refuse(error, id);
      return;
    }
    const fault = rateOr(client, error);
    this.hub.onRefused(fault, client.origin);
    this.outlet.message(errorMessage(fault, id));
    if (fault === error && error.entry.closeCode !== undefined) this.outlet.close(error);
  }

  /** Tells a client that is not let in why, and ends it. */
  private refuse(error: WireError, id?: number): void {
    const { connection, visitor, outlet } = this;
    if (connection.state !== 'open' || visitor === undefined) return;
    clearTimeout(this.helloTimer);
    this.hub.onRefused(error, visitor.request.toOrigin());
    const versions = error.code === 'PB_WIRE_VERSION' ? { versions: WIRE_VERSIONS } : {};
    outlet.message({ ...errorMessage(error, id), ...versions });
    outlet.close(error);
  }

  /** It goes on to send more than it may, though it was told. */
  private onFlood(): void {
    this.client?.close(new WireError('PB_RATE', 'the client goes on to send more messages than may come in this time'));
  }
}

/** Messages that cannot be read count as messages, too. */
function rateOr(client: HubClient, error: WireError): WireError {
  try {
    client.takeTurn();
    return error;
  } catch (rate) {
    return rate as WireError;
  }
}

const CLOSE_POLICY_VIOLATION = 1008;

/** Notices who goes on to send too much: twice the rate is told so each time, and beyond that the connection ends. */
class ConnectOutlet extends EnvelopeWebSocketOutlet {
  private readonly patience: TokenBucket | undefined;
  private readonly onFlood: () => void;

  constructor(connection: ServerConnection<unknown>, hub: Hub, onFlood: () => void) {
    super(connection);
    const { commandRate, commandBurst } = hub.limits;
    this.patience =
      commandRate === Infinity ? undefined : new TokenBucket(commandRate, commandBurst, performance.now());
    this.onFlood = onFlood;
  }

  override message(message: ServerMessage): void {
    super.message(message);
    if (message.type !== 'error' || message.code !== 'PB_RATE') return;
    if (this.patience?.take(performance.now()) === false) this.onFlood();
  }

  override close(error: WireError, retryAfterMs?: number): void {
    // The table has no code for what a reply is enough for: in the place of a hello it is not.
    const code = error.entry.closeCode ?? CLOSE_POLICY_VIOLATION;
    super.message(byeMessage(error, retryAfterMs));
    this.connection.close(code, closeReason(error, retryAfterMs));
  }
}
