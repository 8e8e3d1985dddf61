import type { ServerCounts, ServerOptions } from '@pulsebeacon/websocket';

/** What a test may ask the server in the other process; each is answered by one {@link Answer}. */
export type Question =
  | { readonly ask: 'listen'; readonly options: ServerOptions }
  | { readonly ask: 'counts' }
  /** Answered when so many connections are open. */
  | { readonly ask: 'open'; readonly count: number }
  /** Answered when so many connections are over. */
  | { readonly ask: 'ended'; readonly count: number }
  /** Sends a binary message to everybody on /feed, so many times, one in each turn of the event loop. */
  | { readonly ask: 'feed'; readonly size: number; readonly times: number }
  /** Collects garbage. */
  | { readonly ask: 'collect' }
  /** server.close() */
  | { readonly ask: 'close' };

export interface Answer {
  readonly id: number;
  readonly port?: number;
  readonly counts?: ServerCounts;
}
