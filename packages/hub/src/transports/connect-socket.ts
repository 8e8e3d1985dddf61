import type { ServerConnection } from '@pulsebeacon/websocket';
import {
  type Command,
  CommandError,
  errorMessage,
  type HelloCommand,
  WIRE_VERSIONS,
  WireError,
} from '@pulsebeacon/wire';
import type { Principal } from '../access.ts';
import type { HubClient } from '../client.ts';
import type { Heartbeats } from '../heartbeats.ts';
import { oneOf } from '../http/query.ts';
import type { Hub } from '../hub.ts';
import { type ConnectQuery, parseConnectQuery } from './connect-body.ts';
import { greet, identify, type Visitor } from './connect-greeting.ts';
import { commandOf, SocketCommands } from './socket-commands.ts';
import { WatchfulOutlet } from './watchful-outlet.ts';

/** One WebSocket on `/connect`: `hello` first, by its URL or by a message, then commands. */
export class ConnectSocket {
  private readonly hub: Hub;
  private readonly connection: ServerConnection<unknown>;
  private readonly outlet: WatchfulOutlet;
  private readonly heartbeats: Heartbeats;
  /** Until it has said hello. */
  private visitor: Visitor | undefined;
  private client: HubClient | undefined;
  private commands: SocketCommands | undefined;
  private helloTimer: NodeJS.Timeout | undefined;
  private endHeartbeat: (() => void) | undefined;

  constructor(hub: Hub, connection: ServerConnection<unknown>, visitor: Visitor, heartbeats: Heartbeats) {
    this.hub = hub;
    this.connection = connection;
    this.visitor = visitor;
    this.heartbeats = heartbeats;
    this.outlet = new WatchfulOutlet(connection, hub.limits, (flood) => this.client?.close(flood));
  }

  /** What its URL says comes before everything else. */
  open(): void {
    const { visitor, hub, connection } = this;
    if (connection.state !== 'open') return;
    try {
      const begin = oneOf(visitor!.request, 'begin');
      if (begin === undefined) return this.awaitHello();
      const { hello, commands } = parseConnectQuery(begin, hub.limits.maxCommandsPerBody);
      this.onHello(hello, commands);
    } catch (error) {
      this.onFault(error as WireError);
    }
  }

  private awaitHello(): void {
    const { helloTimeout } = this.hub.limits;
    this.helloTimer = setTimeout(() => {
      this.refuse(new WireError('PB_HELLO_TIMEOUT', `hello did not come within ${helloTimeout} ms`));
    }, helloTimeout).unref();
  }

  onMessage(data: string | Uint8Array): void {
    if (this.connection.state !== 'open') return;
    try {
      this.onCommand(commandOf(data), data.length);
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

  /** @param code of the close, RFC 6455 §7.4 */
  onClose(code: number): void {
    clearTimeout(this.helloTimer);
    this.endHeartbeat?.();
    this.commands?.clear();
    this.client?.closed(false, code);
  }

  private onCommand(command: Command, length: number): void {
    const { commands } = this;
    if (command.type === 'hello') {
      if (commands !== undefined) throw new CommandError(new WireError('PB_HELLO_REPEATED'), command.id);
      this.onHello(command);
      return;
    }
    if (commands === undefined) throw new CommandError(new WireError('PB_HELLO_MISSING'), command.id);
    commands.add(command, length);
  }

  /** @param commands that came with it */
  private onHello(hello: HelloCommand, commands: ConnectQuery['commands'] = []): void {
    clearTimeout(this.helloTimer);
    try {
      const principal = identify(this.hub, hello, this.visitor!);
      if (principal instanceof Promise) this.enterLater(hello, principal, commands);
      else this.enter(hello, principal, commands);
    } catch (error) {
      this.refuse(this.hub.toWireError(error), hello.id);
    }
  }

  private enterLater(
    hello: HelloCommand,
    principal: Promise<Principal | undefined>,
    commands: ConnectQuery['commands'],
  ): void {
    // What follows waits until it is known whose it is.
    this.connection.pause();
    principal
      .then((known) => this.enter(hello, known, commands))
      .catch((error: unknown) => this.refuse(this.hub.toWireError(error), hello.id))
      .finally(() => this.connection.resume());
  }

  private enter(hello: HelloCommand, principal: Principal | undefined, commands: ConnectQuery['commands']): void {
    const { hub, connection, outlet } = this;
    if (connection.state !== 'open') return;
    const { session, welcome } = greet(hub, hello, principal);
    const client = hub.connect(session, outlet, this.visitor!.request.toOrigin());
    this.visitor = undefined;
    this.client = client;
    outlet.takesLines = hello.lines === true;
    this.commands = new SocketCommands(client, connection);
    outlet.message(welcome);
    this.endHeartbeat = this.heartbeats.add(outlet);
    this.carryOut(commands);
  }

  /** @param asked none of them is a message of its own, whose length would count */
  private carryOut(asked: ConnectQuery['commands']): void {
    for (const command of asked) {
      if (command instanceof CommandError) this.commands?.onFault(command);
      else this.commands?.add(command, 0);
    }
  }

  private onFault(error: WireError): void {
    if (this.commands !== undefined) this.commands.onFault(error);
    else this.refuse(error, error instanceof CommandError ? error.id : undefined);
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
}
