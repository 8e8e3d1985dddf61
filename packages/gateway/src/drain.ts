import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Hub } from '@pulsebeacon/hub';
import type { Http2Side, ServerConnection } from '@pulsebeacon/websocket';

/** What is needed of a WebSocketServer to end it. */
export interface DrainableSockets {
  readonly connections: ReadonlySet<ServerConnection<unknown>>;
  close(code?: number, reason?: string): Promise<void>;
}

/** A listener, and its HTTP/2. */
export interface DrainableServer {
  readonly server: Server;
  readonly http2: Pick<Http2Side, 'close' | 'destroy'> | undefined;
  /** Cuts off those whose PROXY header has not come. */
  readonly cutWaiting?: (() => void) | undefined;
}

/** How a drain went. */
export interface DrainReport {
  /** Connections that were open when it began: WebSockets, and streams and polls of channels. */
  readonly sockets: number;
  /** Those that had to be cut off, because they had not closed in time. */
  readonly cutOff: number;
}

const STEP_MS = 100;
/** As many close at once as a server takes back in a step at 500 handshakes a second. */
const LEAST_PER_STEP = 50;
const CLOSE_GOING_AWAY = 1001;
const REASON = 'the server is shutting down';

/**
 * Ends servers without dropping anybody: listens no more, lets requests end, closes WebSockets with 1001, and sends
 * the clients of channels away with 1012 and a hint when to come back — many of them spread over half of the time, so that
 * not all of them come back at once — and cuts off what is left at the deadline. The deadlines of requests go on.
 */
export async function drain(
  listeners: readonly DrainableServer[],
  sockets: readonly DrainableSockets[],
  hub: Hub,
  timeoutMs: number,
): Promise<DrainReport> {
  const deadline = performance.now() + timeoutMs;
  const servers = listeners.map(({ server }) => server);
  const closed = listeners.map(({ server, http2, cutWaiting }) => {
    const done = once(server, 'close');
    // Not as a server of HTTP: Node holds nobody to the deadlines of a head and of a request once that is closed.
    NetServer.prototype.close.call(server);
    server.closeIdleConnections();
    cutWaiting?.();
    // GOAWAY: what is open goes on.
    http2?.close();
    return done;
  });
  const clients = hub.clients.size;
  const connections = sockets.flatMap((each) => [...each.connections]);
  const perStep = Math.max(
    LEAST_PER_STEP,
    Math.ceil((connections.length * 2 * STEP_MS) / Math.max(timeoutMs, STEP_MS)),
  );

  const hubDrained = hub.drain(timeoutMs / 2);
  const ended = (async () => {
    for (let at = 0; at < connections.length; at += perStep) {
      if (at > 0) await wait(STEP_MS);
      for (const connection of connections.slice(at, at + perStep)) connection.close(CLOSE_GOING_AWAY, REASON);
    }
    await hubDrained;
    await Promise.all(sockets.map((each) => each.close(CLOSE_GOING_AWAY, REASON)));
    await Promise.all(closed);
  })();

  // A connection that a client keeps alive is idle as soon as its last request is answered.
  const sweep = setInterval(() => servers.forEach((server) => server.closeIdleConnections()), STEP_MS);
  const controller = new AbortController();
  const { signal } = controller;
  let cutOff = 0;
  const late = async (): Promise<void> => {
    await wait(Math.max(0, deadline - performance.now()), undefined, { signal });
    for (const each of sockets) {
      cutOff += each.connections.size;
      for (const connection of each.connections) connection.terminate();
    }
    cutOff += hub.clients.size;
    for (const { server, http2 } of listeners) {
      server.closeAllConnections();
      http2?.destroy();
    }
    // What Node does not list, such as a TLS handshake that has stalled, is not waited for.
    await wait(STEP_MS, undefined, { signal });
  };
  try {
    await Promise.race([ended, late()]);
  } finally {
    clearInterval(sweep);
    controller.abort();
    // Now nobody is held to them any more.
    for (const server of servers) server.close();
  }
  return { sockets: connections.length + clients, cutOff };
}
