import {
  type Acceptance,
  type HostServer,
  type OpeningRequest,
  Refusal,
  type ServerConnection,
  type Traffic,
  WebSocketServer,
} from '@pulsebeacon/websocket';
import { ENVELOPE_SUBPROTOCOL, parseChannelSegment, type Since, WireError } from '@pulsebeacon/wire';
import type { Principal } from '../access.ts';
import type { Heartbeats } from '../heartbeats.ts';
import { authenticate } from '../http/authenticate.ts';
import { refusalOf } from '../http/problems.ts';
import { flagOf, oneOf, sinceOf } from '../http/query.ts';
import { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import { newSession } from '../session-token.ts';
import { ChannelSocket, EnvelopeChannelSocket, RawChannelSocket, type SocketWish } from './channel-socket.ts';
import { socketOptions } from './socket-options.ts';

/** What a connection is opened for; a ChannelSocket once it is open. */
type Context = ChannelSocket | SocketWish | undefined;

/** Room around a payload: its envelope, and a third more where it is in base64. */
const ENVELOPE_BYTES = 4096;

/** The WebSockets of `/channels/{name}`. */
export class ChannelSockets {
  private readonly hub: Hub;
  private readonly prefix: string;
  private readonly server: WebSocketServer<Context>;

  constructor(hub: Hub, prefix: string, heartbeats: Heartbeats) {
    this.hub = hub;
    this.prefix = prefix;
    const largestEnvelope = Math.ceil((hub.namespaces.largestMessage * 4) / 3) + ENVELOPE_BYTES;
    const socketOf = ({ context }: ServerConnection<Context>): ChannelSocket | undefined =>
      context instanceof ChannelSocket ? context : undefined;
    this.server = new WebSocketServer<Context>({
      ...socketOptions(hub),
      path: `${prefix}{name}`,
      maxMessageSize: Math.max(hub.limits.maxCommandSize, largestEnvelope),
      // The hub counts them all, and says more.
      maxConnections: Infinity,
      authorize: (opening) => this.authorize(opening),
      open: (connection, opening) => this.open(connection, opening, heartbeats),
      message: (connection, data) => socketOf(connection)?.onMessage(data),
      drain: (connection) => socketOf(connection)?.onDrain(),
      close: (connection, code) => socketOf(connection)?.onClose(code),
      // How a peer breaks the protocol is for its close code to say.
      error: () => {},
    });
  }

  attach(server: HostServer): void {
    this.server.attach(server);
  }

  detach(server: HostServer): void {
    this.server.detach(server);
  }

  traffic(): Traffic {
    return this.server.counts();
  }

  close(): Promise<void> {
    return this.server.close(1012);
  }

  /** Whoever may not subscribe is told so by HTTP. */
  private authorize(opening: OpeningRequest): Refusal | Acceptance<Context> | Promise<Refusal | Acceptance<Context>> {
    const { hub } = this;
    const request = HubRequest.of(opening.request, hub.proxies)!;
    // The router takes other spellings of the prefix; the rest of the hub does not.
    if (!request.path.startsWith(this.prefix)) return Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH');
    const refusal = hub.hooks.admit?.(request, true);
    if (refusal !== undefined) return refusal;
    try {
      hub.roster.requireRoom();
      const channel = parseChannelSegment(request.path.slice(this.prefix.length));
      const wish = {
        channel,
        since: sinceOf(request),
        echo: flagOf(request, 'echo', true),
        isEnveloped: wantsEnvelope(request, opening.subprotocols),
      };
      const principal = authenticate(hub, request);
      return principal instanceof Promise ? this.admitLater(principal, wish) : this.admit(principal, wish);
    } catch (error) {
      return refusalOf(hub, hub.toWireError(error));
    }
  }

  private async admitLater(
    principal: Promise<Principal | undefined>,
    wish: Wish,
  ): Promise<Refusal | Acceptance<Context>> {
    try {
      return this.admit(await principal, wish);
    } catch (error) {
      return refusalOf(this.hub, this.hub.toWireError(error));
    }
  }

  /** @throws {WireError} where the rules do not allow it */
  private admit(principal: Principal | undefined, wish: Wish): Acceptance<Context> {
    const { hub } = this;
    const { channel, since, isEnveloped } = wish;
    hub.authorizeSubscribe(channel, principal, since);
    const context: SocketWish = { ...wish, session: newSession(principal) };
    return isEnveloped === 'offered' ? { context, subprotocol: ENVELOPE_SUBPROTOCOL } : { context };
  }

  private open(connection: ServerConnection<Context>, opening: OpeningRequest, heartbeats: Heartbeats): void {
    const wish = connection.context as SocketWish;
    const Socket = wish.isEnveloped === false ? RawChannelSocket : EnvelopeChannelSocket;
    const socket = new Socket(this.hub, connection, wish);
    connection.context = socket;
    socket.open(HubRequest.of(opening.request, this.hub.proxies)!.toOrigin(), heartbeats);
  }
}

interface Wish {
  readonly channel: string;
  readonly since: Since | undefined;
  readonly echo: boolean;
  /** By subprotocol; or by `?as=json`, for clients that cannot offer one. */
  readonly isEnveloped: 'offered' | 'asked' | false;
}

/** @throws {WireError} `PB_QUERY_INVALID` */
function wantsEnvelope(request: HubRequest, subprotocols: readonly string[]): Wish['isEnveloped'] {
  const as = oneOf(request, 'as');
  if (as !== undefined && as !== 'json' && as !== 'text') {
    throw new WireError('PB_QUERY_INVALID', `a WebSocket is as=json, in envelopes, or as=text: payloads alone`);
  }
  if (subprotocols.includes(ENVELOPE_SUBPROTOCOL)) return 'offered';
  return as === 'json' ? 'asked' : false;
}
