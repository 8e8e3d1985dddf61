import type { Hub, HubClient } from '@pulsebeacon/hub';
import type { ServerConnection } from '@pulsebeacon/websocket';
import { WireError } from '@pulsebeacon/wire';
import type { Admission } from '../sockets/admission.ts';
import type { ConnectionDetail, ConnectionList, ConnectionSummary } from './messages.ts';

/** WebSockets beside those of the hub. */
export interface PlainSockets {
  readonly connections: ReadonlySet<ServerConnection<unknown>>;
}

/** Which connections are asked for. */
export interface ConnectionQuery {
  readonly limit: number;
  /** What the address, the path, the id or the principal has in it. */
  readonly text: string;
  readonly transport: string | undefined;
}

const MOST_FOLLOWED = 100;
const CLOSE_TRY_AGAIN_LATER = 1013;

/** The connections of the application: clients of channels by their id, other WebSockets by a number of their own. */
export class Connections {
  private readonly hub: Hub;
  private readonly sockets: readonly PlainSockets[];
  private readonly admission: Admission;
  private readonly numbers = new WeakMap<ServerConnection<unknown>, string>();
  private lastNumber = 0;

  constructor(hub: Hub, sockets: readonly PlainSockets[], admission: Admission) {
    this.hub = hub;
    this.sockets = sockets;
    this.admission = admission;
  }

  list({ limit, text, transport }: ConnectionQuery): ConnectionList {
    const matches = (each: ConnectionSummary): boolean =>
      (transport === undefined || each.transport === transport) &&
      (text === '' || [each.address, each.path, each.id, each.principal].some((field) => field?.includes(text)));
    const found: ConnectionSummary[] = [];
    for (const client of this.hub.clients) {
      const summary = summaryOf(client);
      if (matches(summary)) found.push(summary);
    }
    for (const connection of this.plain()) {
      const summary = this.summaryOfSocket(connection);
      if (matches(summary)) found.push(summary);
    }
    found.sort(bySlowness);
    return { total: found.length, items: found.slice(0, limit) };
  }

  /** @returns undefined where there is none */
  find(id: string): ConnectionDetail | undefined {
    const client = this.clientOf(id);
    if (client !== undefined) {
      const follows = [...client.subscriptions.keys()].slice(0, MOST_FOLLOWED);
      return { ...summaryOf(client), follows, traffic: null, canWatch: true };
    }
    const socket = this.socketOf(id);
    if (socket === undefined) return undefined;
    const { messagesIn, messagesOut, bytesIn, bytesOut } = socket.traffic;
    const traffic = { messagesIn, messagesOut, bytesIn, bytesOut };
    return { ...this.summaryOfSocket(socket), follows: [], traffic, canWatch: false };
  }

  /** Ends it, and tells its client why. @returns whether it was there */
  close(id: string): boolean {
    const client = this.clientOf(id);
    if (client !== undefined) client.close(new WireError('PB_CLOSED_BY_OPERATOR'));
    const socket = client === undefined ? this.socketOf(id) : undefined;
    socket?.close(CLOSE_TRY_AGAIN_LATER, 'PB_CLOSED_BY_OPERATOR; closed by an operator of the server');
    return client !== undefined || socket !== undefined;
  }

  private *plain(): Iterable<ServerConnection<unknown>> {
    for (const { connections } of this.sockets) yield* connections;
  }

  /** Of one that is changing its transport there are two: the newer one counts. */
  private clientOf(id: string): HubClient | undefined {
    let found: HubClient | undefined;
    for (const client of this.hub.clients) if (client.id === id) found = client;
    return found;
  }

  private socketOf(id: string): ServerConnection<unknown> | undefined {
    for (const connection of this.plain()) if (this.numberOf(connection) === id) return connection;
    return undefined;
  }

  private summaryOfSocket(connection: ServerConnection<unknown>): ConnectionSummary {
    const { remoteAddress, httpVersion, path, queuedBytes } = connection;
    return {
      id: this.numberOf(connection),
      address: remoteAddress ?? null,
      transport: 'websocket',
      httpVersion,
      path,
      since: this.admission.openedAt(connection),
      queuedBytes,
      isSlow: false,
      principal: null,
      channels: null,
    };
  }

  private numberOf(connection: ServerConnection<unknown>): string {
    let number = this.numbers.get(connection);
    if (number === undefined) this.numbers.set(connection, (number = `socket-${++this.lastNumber}`));
    return number;
  }
}

/** The slowest first, then the newest; polls, which come anew all the time, are no news. */
function bySlowness(a: ConnectionSummary, b: ConnectionSummary): number {
  const isPoll = Number(a.transport === 'poll') - Number(b.transport === 'poll');
  return b.queuedBytes - a.queuedBytes || isPoll || b.since - a.since || (a.id < b.id ? -1 : 1);
}

function summaryOf({ id, session, outlet, origin, since, isCongested, subscriptions }: HubClient): ConnectionSummary {
  return {
    id,
    address: origin.remoteAddress ?? null,
    transport: outlet.transport,
    httpVersion: origin.httpVersion,
    path: origin.path,
    since,
    queuedBytes: outlet.queuedBytes,
    isSlow: isCongested,
    principal: session.principal?.id ?? null,
    channels: subscriptions.size,
  };
}
