import type { Server, ServerResponse } from 'node:http';
import type { HubRequest } from './request.ts';

/** A part of the hub's paths, and everything that is served there. */
export interface Door {
  /** Answers a request. @returns false, having done nothing, where its path is not of this door */
  handle(request: HubRequest, response: ServerResponse): boolean;

  /** Answers the WebSocket handshakes of a server, too. */
  attach(server: Server): void;

  /** Answers no more handshakes of a server. What is open stays. */
  detach(server: Server): void;

  /** Ends what is still open. */
  close(): Promise<void>;
}
