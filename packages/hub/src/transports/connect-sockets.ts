import { type OpeningRequest, Refusal, type ServerConnection, WebSocketServer } from '@pulsebeacon/websocket';
import { authenticate } from '../http/authenticate.ts';
import { refusalOf } from '../http/problems.ts';
import { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import type { Heartbeats } from '../heartbeats.ts';
import type { Visitor } from './connect-greeting.ts';
import { ConnectSocket } from './connect-socket.ts';

type Context = Visitor | ConnectSocket;

const socketOf = ({ context }: ServerConnection<Context>): ConnectSocket => context as ConnectSocket;

/** The WebSockets of `/connect`. @param path of it */
export function connectSockets(hub: Hub, path: string, heartbeats: Heartbeats): WebSocketServer<Context> {
  const { publicUrl, allowedOrigins, missingOrigin } = hub.options;
  const { maxClients, maxCommandSize, sendHighWaterMark, maxQueuedBytes, authenticateTimeout } = hub.limits;
  return new WebSocketServer<Context>({
    path,
    publicUrl,
    allowedOrigins,
    missingOrigin,
    maxConnections: maxClients,
    maxMessageSize: maxCommandSize,
    sendHighWaterMark,
    // Who is slow is for the hub to say, by the rules of the channels: this is only for what nobody foresaw.
    writeTimeout: 0,
    slowConsumer: 'close',
    maxQueuedBytes: 4 * maxQueuedBytes,
    // `authenticate` keeps to it, and gives the better answer.
    authorizeTimeout: authenticateTimeout + 1000,
    authorize: (opening) => admit(hub, opening),
    open: (connection) => {
      connection.context = new ConnectSocket(hub, connection, connection.context as Visitor, heartbeats);
    },
    message: (connection, data) => socketOf(connection).onMessage(data),
    drain: (connection) => socketOf(connection).onDrain(),
    close: (connection) => socketOf(connection).onClose(),
    // What a peer does wrong is in the close code; `close` follows.
    error: () => {},
  });
}

async function admit(hub: Hub, opening: OpeningRequest): Promise<Refusal | { context: Visitor }> {
  const request = HubRequest.of(opening.request)!;
  const refusal = hub.hooks.admit?.(request);
  if (refusal !== undefined) return refusal;
  try {
    hub.requireRoom();
    return { context: { request, principal: await authenticate(hub, request) } };
  } catch (error) {
    const wireError = hub.toWireError(error);
    hub.onRefused(wireError, request.toOrigin());
    return refusalOf(hub, wireError);
  }
}
