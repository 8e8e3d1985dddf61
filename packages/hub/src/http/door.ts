import type { ServerResponse } from 'node:http';
import type { HostServer, Traffic } from '@pulsebeacon/websocket';
import type { HubRequest } from './request.ts';

/** A part of the hub's paths, and everything that is served there. */
export interface Door {
  /** Answers a request. @returns false, having done nothing, where its path is not of this door */
  handle(request: HubRequest, response: ServerResponse): boolean;

  /** Answers the WebSocket handshakes of a server, too. */
  attach(server: HostServer): void;

  /** Answers no more handshakes of a server. What is open stays. */
  detach(server: HostServer): void;

  /** The messages of its WebSockets, those that are closed included. */
  traffic(): Traffic;

  /** Ends what is still open. */
  close(): Promise<void>;
}
