import type { Socket } from 'node:net';
import type { Connection } from '../../connection/connection.ts';
import { ConnectionCore } from '../../connection/connection-core.ts';
import type { Inbox } from '../../connection/inbox.ts';
import type { Outbox } from '../../connection/outbox.ts';
import type { ConnectionShared } from '../../connection/shared.ts';
import { TrafficCounts } from '../../connection/traffic.ts';
import type { HeaderFields } from '../../handshake/header-fields.ts';
import { MaskingKeys } from '../../protocol/sender.ts';
import type { ReceiveMode } from '../connection-limits.ts';
import { connectionShared, timesFor } from '../connection-shared.ts';
import type { HttpVersion } from '../http-version.ts';
import { isSecure } from '../opening.ts';
import { nodePlatform } from '../platform.ts';
import type { Opened } from './client-opening.ts';
import type { ClientSettings, ConnectOptions } from './options.ts';

/** The server's answer to an opening handshake that succeeded. */
export interface OpeningAnswer {
  /** 101; 200 over HTTP/2. */
  readonly status: number;
  /** What the connection goes over: a stream of HTTP/2, or a connection of its own. */
  readonly httpVersion: HttpVersion;
  readonly headers: HeaderFields;
  /** The server's IP address; undefined on a Unix socket. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly secure: boolean;
}

/** A connection that {@link connect} opened. */
export interface ClientConnection<Context = undefined> extends Connection<Context> {
  /** Where it is connected to, as a ws: or wss: URL without userinfo. */
  readonly url: string;
}

export class ClientConnectionCore<Context> extends ConnectionCore<Context> implements ClientConnection<Context> {
  readonly url: string;

  constructor(shared: ConnectionShared<never>, opened: Opened, context: Context, url: string) {
    super(shared, opened.stream, opened.agreement, context);
    this.url = url;
  }

  override start(head: Uint8Array, opening?: unknown): void {
    // Whoever awaits connect() goes on before this turn of the event loop is over.
    if (this.shared.handlers.message === undefined) {
      this.beginChoice();
      setImmediate(() => this.endChoice());
    }
    super.start(head, opening);
  }
}

type Handlers<Context> = ConnectionShared<ClientConnectionCore<Context>>['handlers'];

/** One source of masking keys for the process: random bytes are cheap by the thousand, and dear by the four. */
const masks = new MaskingKeys(nodePlatform);

/** All that clients receive and send. */
const traffic = new TrafficCounts();

interface Idle {
  readonly inboxes: Inbox[];
  readonly outboxes: Outbox[];
}

/** Halves that no connection needs at the moment, by the limits that an inbox is made for. */
const idleHalves = new Map<string, Idle>();

function idleFor({ maxMessageSize, maxFragments }: ClientSettings['limits']): Idle {
  const key = `${maxMessageSize}/${maxFragments}`;
  let idle = idleHalves.get(key);
  if (idle === undefined) idleHalves.set(key, (idle = { inboxes: [], outboxes: [] }));
  return idle;
}

/** What the connections of one set of options have in common. */
export function clientShared<Context>(
  settings: ClientSettings,
  handlers: Handlers<Context>,
  receive: ReceiveMode = 'owned',
): ConnectionShared<never> {
  const idle = idleFor(settings.limits);
  return connectionShared<ClientConnectionCore<Context>>(settings.limits, {
    role: 'client',
    masks,
    handlers,
    borrowed: receive === 'borrowed',
    idleInboxes: idle.inboxes,
    idleOutboxes: idle.outboxes,
    deflate: settings.deflate,
    traffic,
    onClosed: () => {},
  }) as unknown as ConnectionShared<never>;
}

/** What the last connection shares with others; not kept alive for those that may come. */
let latest: WeakRef<ConnectionShared<never>> | undefined;

/**
 * As {@link clientShared}, for the handlers of `connect()`: whoever opens thousands of connections, one by one, with the
 * same handlers and limits, has one such object for all of them.
 */
export function sharedFor<Context, Receive extends ReceiveMode>(
  settings: ClientSettings,
  options: ConnectOptions<Context, Receive>,
): ConnectionShared<never> {
  const { open, message, drain, ping, pong, close, error, receive = 'owned' } = options;
  // One object of one shape, so that calls of the handlers stay fast.
  const handlers = { open, message, drain, ping, pong, close, error } as Handlers<Context>;
  const before = latest?.deref();
  if (before !== undefined && isSame(before, settings, handlers as Handlers<never>, receive)) return before;
  const shared = clientShared(settings, handlers, receive);
  latest = new WeakRef(shared);
  return shared;
}

function isSame(
  shared: ConnectionShared<never>,
  settings: ClientSettings,
  handlers: Handlers<never>,
  receive: ReceiveMode,
): boolean {
  return (
    // One such object for each object of limits; the defaults are always the same one.
    shared.times === timesFor(settings.limits) &&
    shared.deflate === settings.deflate &&
    shared.borrowed === (receive === 'borrowed') &&
    Object.entries(handlers).every(([name, handler]) => shared.handlers[name as keyof Handlers<never>] === handler)
  );
}

/** What `open` is told beside the connection. */
export class ReceivedAnswer implements OpeningAnswer {
  readonly status: number;
  readonly httpVersion: HttpVersion;
  readonly headers: HeaderFields;
  private readonly socket: Socket;

  constructor({ socket, status, httpVersion, fields }: Opened) {
    this.status = status;
    this.httpVersion = httpVersion;
    this.headers = fields;
    this.socket = socket;
  }

  // Asked for only where somebody wants to know: the socket remembers the answer for as long as it lives.
  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.socket.remotePort;
  }

  get secure(): boolean {
    return isSecure(this.socket);
  }
}
