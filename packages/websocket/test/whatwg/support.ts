import type { TestContext } from 'node:test';
import { WebSocket, type WebSocketEventMap, type WebSocketOptions } from '@pulsebeacon/websocket';
import { rawServer } from '../support/raw-server.ts';
import { Log } from '../support/servers.ts';

type EventOf<Type extends keyof WebSocketEventMap> = WebSocketEventMap[Type];

/** A WebSocket that is closed when the test ends. */
export function socketTo(
  t: TestContext,
  url: string,
  protocols?: string | Iterable<string>,
  options?: WebSocketOptions,
): WebSocket {
  const socket = new WebSocket(url, protocols, options);
  t.after(() => socket.close());
  return socket;
}

/** The next event of a type. */
export function next<Type extends keyof WebSocketEventMap>(socket: WebSocket, type: Type): Promise<EventOf<Type>> {
  return new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }));
}

/** A WebSocket that is open, and closed when the test ends. */
export async function openTo(
  t: TestContext,
  url: string,
  protocols?: string | Iterable<string>,
  options?: WebSocketOptions,
): Promise<WebSocket> {
  const socket = socketTo(t, url, protocols, options);
  await next(socket, 'open');
  return socket;
}

/** Every event in the order in which they come, each with the ready state that it finds. */
export function recorded(socket: WebSocket): Log {
  const log = new Log();
  const add = (event: Event, more = ''): void => log.add(`${event.type}${more} in ${socket.readyState}`);
  socket.addEventListener('open', (event) => add(event));
  socket.addEventListener('error', (event) => add(event));
  socket.addEventListener('message', (event) => add(event, ` ${event.data}`));
  socket.addEventListener('close', (event) => {
    const { code, reason, wasClean } = event;
    add(event, ` ${code} ${JSON.stringify(reason)}${wasClean ? ' clean' : ''}`);
  });
  return log;
}

/** The fields of the opening handshake of what connects to `url`; no answer comes. */
export function fieldsOf(t: TestContext, connect: (url: string) => unknown): Promise<ReadonlyMap<string, string>> {
  return new Promise((resolve, reject) => {
    rawServer(t, ({ fields }) => resolve(fields))
      .then(connect)
      .catch(reject);
  });
}

/** The next turn of the event loop: whatever had to happen in this one has happened. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when `condition` holds at the end of a turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
