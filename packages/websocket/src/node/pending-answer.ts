import type { Socket } from 'node:net';

/** What Node's HTTP server notes on a socket: the answer that is being written to it. */
interface HttpSocket {
  readonly _httpMessage?: object | null;
}

/**
 * Whether an earlier request on this connection is not answered yet. Node announces an upgrade as soon as it has read
 * it, and from then on no longer serves what came before on the same connection: its answer would come behind the 101,
 * among the frames. Where Node has no such note, nothing is known to wait.
 */
export function hasPendingAnswer(socket: Socket): boolean {
  const { _httpMessage: answer } = socket as HttpSocket;
  return answer !== undefined && answer !== null;
}
