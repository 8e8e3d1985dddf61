import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { WireError } from '@pulsebeacon/wire';
import type { HubLimits } from '../limits.ts';
import { http2StreamOf } from './http2-response.ts';

/** Requests of one connection that may wait for the answers to earlier ones. */
const MOST_WAITING = 64;

const waiting = new WeakMap<Socket, number>();

/**
 * Waits until the answers to earlier requests of the connection were taken (pipelining, RFC 9112 §9.3.2). Node hands over
 * all requests that a read brings at once: a thousand of them fit into one, and the answers to all would be made, and
 * kept, for a client that may read none. One that goes away meanwhile leaves nothing behind, and is not waited for.
 * @returns undefined where it is the turn of this answer already
 * @throws {WireError} `PB_REQUEST_BUSY` where too many wait
 */
export function turnOf(response: ServerResponse): Promise<void> | undefined {
  // Node gives an answer its socket when its turn comes.
  if (response.socket !== null || http2StreamOf(response) !== undefined) return undefined;
  const { socket } = response.req;
  const count = waiting.get(socket) ?? 0;
  if (count >= MOST_WAITING) {
    const detail = `${MOST_WAITING} requests of this connection wait for their answers: send more once they are there`;
    throw new WireError('PB_REQUEST_BUSY', detail);
  }
  waiting.set(socket, count + 1);
  return new Promise((resolve) => {
    response.once('socket', () => {
      waiting.set(socket, waiting.get(socket)! - 1);
      resolve();
    });
  });
}

/**
 * Ends an answer. What the system does not take at once stays in memory until the client reads: one that reads nothing
 * of it within `writeTimeout` is cut off.
 */
export function endAnswer({ writeTimeout }: HubLimits, response: ServerResponse, body: Buffer | string): void {
  response.end(body);
  const stream = http2StreamOf(response);
  if (stream !== undefined) {
    if (response.writableLength > 0) stream.setTimeout(writeTimeout, () => stream.destroy());
    return;
  }
  const { socket } = response;
  if (socket === null || response.writableLength === 0) return;
  const before = socket.timeout ?? 0;
  const cut = (): void => void socket.destroy();
  socket.setTimeout(writeTimeout, cut);
  // Before Node sets the time that an idle connection has.
  response.prependOnceListener('finish', () => {
    socket.off('timeout', cut);
    socket.setTimeout(before);
  });
}
