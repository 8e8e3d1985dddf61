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

/** The JSON of a message, and that of the publications in it. */
interface Verbatim {
  readonly whole: string;
  readonly publications: string;
}

/** Messages with publications in them, which leave as they were published: numbers that no double holds, white space. */
const verbatim = new WeakMap<ServerMessage, Verbatim>();

/** The JSON of a message, for every transport. */
export function messageJson(message: ServerMessage): string {
  return verbatim.get(message)?.whole ?? JSON.stringify(message);
}

/** The JSON of the state that it brings. */
export function stateJson(message: SubscribedMessage): string {
  return verbatim.get(message)?.publications ?? 'null';
}

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
  keepVerbatim(message, head, 'publications', `[${publications.join(',')}]`);
  return message;
}

export const HEARTBEAT: HeartbeatMessage = { type: 'heartbeat' };

/** The last message before a stream ends. @param retryAfterMs when to come back */
export function byeMessage({ code, message: detail, entry }: WireError, retryAfterMs?: number): ByeMessage {
  const hint = retryAfterMs === undefined ? {} : { retryAfter: retryAfterMs };
  return { type: 'bye', code, detail, retry: entry.retry, ...hint };
}

/** The answer to `subscribe`. Its state is parsed where somebody looks at it. */
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
  const { json } = state;
  const message: SubscribedMessage = {
    ...head,
    get state(): PublicationMessage {
      return JSON.parse(json) as PublicationMessage;
    },
  };
  keepVerbatim(message, head, 'state', json);
  return message;
}

function keepVerbatim(message: ServerMessage, head: object, name: string, publications: string): void {
  const whole = `${JSON.stringify(head).slice(0, -1)},"${name}":${publications}}`;
  verbatim.set(message, { whole, publications });
}
