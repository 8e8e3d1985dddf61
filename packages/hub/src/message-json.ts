import {
  type ByeMessage,
  formatPosition,
  type HeartbeatMessage,
  type HistoryMessage,
  type PublicationMessage,
  type ServerMessage,
  type SubscribedMessage,
  type WireError,
} from '@pulsebeacon/wire';
import type { HistoryPage } from './broker.ts';
import type { EncodedPublication } from './encoded-publication.ts';
import type { Hub } from './hub.ts';

/** Messages with publications in them, which leave as they were published: numbers that no double holds, white space. */
const verbatim = new WeakMap<ServerMessage, string>();

/** The JSON of a message, for every transport. */
export function messageJson(message: ServerMessage): string {
  return verbatim.get(message) ?? JSON.stringify(message);
}

/** The JSON of the state that it brings. */
export function stateJson(message: SubscribedMessage): string {
  const json = messageJson(message);
  // Neither names nor positions have quotes in them.
  return json.slice(json.indexOf(STATE) + STATE.length, -1);
}

const STATE = ',"state":';

/** A page of history as a message. Its publications are parsed where somebody looks at them. */
export function historyMessage(hub: Hub, channel: string, page: HistoryPage, id?: number): HistoryMessage {
  const { top, complete, more } = page;
  const head = {
    type: 'history',
    ...(id === undefined ? {} : { id }),
    channel,
    position: formatPosition(top),
    complete,
    more,
  } as const;
  const publications = page.publications.map((publication) => hub.encodings.get(publication).json);
  const message: HistoryMessage = {
    ...head,
    get publications(): PublicationMessage[] {
      return publications.map((json) => JSON.parse(json) as PublicationMessage);
    },
  };
  verbatim.set(message, append(head, 'publications', `[${publications.join(',')}]`));
  return message;
}

export const HEARTBEAT: HeartbeatMessage = { type: 'heartbeat' };

/** The last message before a stream ends. @param retryAfterMs when to come back */
export function byeMessage({ code, message: detail, entry }: WireError, retryAfterMs?: number): ByeMessage {
  const hint = retryAfterMs === undefined ? {} : { retryAfter: retryAfterMs };
  return { type: 'bye', code, detail, retry: entry.retry, ...hint };
}

/** The answer to `subscribe`. */
export function subscribedMessage(
  channel: string,
  content: {
    readonly id: number | undefined;
    readonly position: string | undefined;
    readonly recovered: boolean;
    readonly state?: EncodedPublication | null;
  },
): SubscribedMessage {
  const { id, position, recovered, state } = content;
  const head = {
    type: 'subscribed',
    ...(id === undefined ? {} : { id }),
    channel,
    ...(position === undefined ? {} : { position }),
    recovered,
  } as const;
  if (state === undefined) return head;
  if (state === null) return { ...head, state };
  const message: SubscribedMessage = { ...head, state: JSON.parse(state.json) as PublicationMessage };
  verbatim.set(message, append(head, 'state', state.json));
  return message;
}

function append(head: object, name: string, json: string): string {
  return `${JSON.stringify(head).slice(0, -1)},"${name}":${json}}`;
}
