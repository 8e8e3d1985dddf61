import type { Feed } from './feed.ts';
import { PollFeed } from './poll-feed.ts';
import type { SubscribeSettings } from './settings.ts';
import { StreamFeed } from './stream-feed.ts';
import { WebSocketFeed } from './websocket-feed.ts';

/** A channel by the transport that was chosen. */
export function openFeed({
  server,
  channel,
  transport,
}: Pick<SubscribeSettings, 'server' | 'channel' | 'transport'>): Feed {
  switch (transport) {
    case 'websocket':
      return new WebSocketFeed(server, channel);
    case 'poll':
      return new PollFeed(server, channel);
    default:
      return new StreamFeed(server, channel, transport);
  }
}
