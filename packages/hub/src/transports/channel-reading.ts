import type { ServerResponse } from 'node:http';
import type { HubRequest } from '../http/request.ts';
import type { Hub } from '../hub.ts';
import type { Session } from '../session-token.ts';
import type { ChannelRequest } from './channel-request.ts';

/** A GET or HEAD of a channel, its client known. */
export interface ChannelReading {
  readonly hub: Hub;
  readonly request: HubRequest;
  readonly response: ServerResponse;
  readonly channel: string;
  readonly session: Session;
  readonly wanted: ChannelRequest;
}
