import { type OpeningRequest, Refusal, type ServerConnection, WebSocketServer } from '@pulsebeacon/websocket';
import type { Principal } from '../access.ts';
import { authenticate } from '../http/authenticate.ts';
import { refusalOf } from '../http/problems.ts';
import { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import type { Heartbeats } from '../heartbeats.ts';
import type { Visitor } from './connect-greeting.ts';
import { ConnectSocket } from './connect-socket.ts';
import { socketOptions } from './socket-options.ts';

type Context = Visitor | ConnectSocket;

const socketOf = ({ context }: ServerConnection<Context>): ConnectSocket => context as ConnectSocket;

/** The WebSockets of `/connect`. @param path of it */
export function connectSockets(hub: Hub, path: string, heartbeats: Heartbeats): WebSocketServer<Context> {
  const { maxClients, maxCommandSize } = hub.limits;
  return new WebSocketServer<Context>({
    ...socketOptions(hub),
    path,
    // Who has not said hello is no client of the hub yet, and counts here.
    maxConnections: maxClients,
    maxMessageSize: maxCommandSize,
    authorize: (opening) => admit(hub, path, opening),
    open: (connection) => {
      const socket = new ConnectSocket(hub, connection, connection.context as Visitor, heartbeats);
      connection.context = socket;
      socket.open();
    },
    message: (connection, data) => socketOf(connection).onMessage(data),
    drain: (connection) => socketOf(connection).onDrain(),
    close: (connection, code) => socketOf(connection).onClose(code),
    // How a peer breaks the protocol is for its close code to say.
    error: (connection, { code }) => {
      if (code === 'PB_MESSAGE_TOO_BIG') socketOf(connection).onTooBig();
    },
  });
}

type Admission = Refusal | { readonly context: Visitor };

function admit(hub: Hub, path: string, opening: OpeningRequest): Admission | Promise<Admission> {
  const request = HubRequest.of(opening.request, hub.proxies)!;
  // The router takes other spellings of the path; the rest of the hub does not.
  if (request.path !== path) return Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH');
  const refusal = hub.hooks.admit?.(request, true);
  if (refusal !== undefined) return refusal;
  try {
    hub.roster.requireRoom();
    const principal = authenticate(hub, request);
    return principal instanceof Promise ? admitLater(hub, request, principal) : { context: { request, principal } };
  } catch (error) {
    return refusalOf(hub, hub.toWireError(error));
  }
}

async function admitLater(
  hub: Hub,
  request: HubRequest,
  principal: Promise<Principal | undefined>,
): Promise<Admission> {
  try {
    return { context: { request, principal: await principal } };
  } catch (error) {
    return refusalOf(hub, hub.toWireError(error));
  }
}
