import { formatPosition, type HistoryMessage, type PublicationMessage } from '@pulsebeacon/wire';
import type { HistoryPage } from './broker.ts';
import type { Hub } from './hub.ts';

/** A page of history as a message. */
export function historyMessage(hub: Hub, channel: string, page: HistoryPage, id?: number): HistoryMessage {
  return {
    type: 'history',
    ...(id === undefined ? {} : { id }),
    channel,
    position: formatPosition(page.top),
    complete: page.complete,
    more: page.more,
    publications: page.publications.map(
      (publication) => JSON.parse(hub.encodings.get(publication).json) as PublicationMessage,
    ),
  };
}
