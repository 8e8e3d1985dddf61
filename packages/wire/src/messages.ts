import { type WireError, WIRE_ERRORS, type WireErrorCode } from './errors.ts';
import type { Since } from './position.ts';
import type { PublicationMessage } from './publication.ts';

/** What a client says first. */
export interface HelloCommand {
  readonly type: 'hello';
  /** The versions of the protocol that it speaks, what it prefers first. */
  readonly versions: readonly number[];
  /** The session that it returns to. */
  readonly session?: string;
  /** As in the header field Authorization, for those who cannot send one. */
  readonly authorization?: string;
  /** Several messages may come in one WebSocket message, a line each. */
  readonly lines?: boolean;
  readonly id?: number;
}

export interface SubscribeCommand {
  readonly type: 'subscribe';
  readonly id?: number;
  readonly channel: string;
  readonly since?: Since;
  /** Whether the client hears what it publishes itself. Default true. */
  readonly echo: boolean;
}

export interface UnsubscribeCommand {
  readonly type: 'unsubscribe';
  readonly id?: number;
  readonly channel: string;
}

export interface PublishCommand {
  readonly type: 'publish';
  readonly id?: number;
  readonly channel: string;
  /** Any JSON value; text where `contentType` is text; base64 where `encoding` says so. */
  readonly data: unknown;
  readonly encoding?: 'base64';
  readonly contentType?: string;
  readonly key?: string;
  readonly idempotencyKey?: string;
  /** Whether the reply says how many subscribers it reached. */
  readonly reach: boolean;
}

export interface HistoryCommand {
  readonly type: 'history';
  readonly id?: number;
  readonly channel: string;
  readonly since?: Since;
  /** Without it, as many as the server gives. */
  readonly limit?: number;
}

export interface PresenceCommand {
  readonly type: 'presence';
  readonly id?: number;
  readonly channel: string;
}

/** What a client says. With an `id`, a reply answers it; without, errors alone are told. */
export type Command =
  | HelloCommand
  | SubscribeCommand
  | UnsubscribeCommand
  | PublishCommand
  | HistoryCommand
  | PresenceCommand;

export interface WelcomeMessage {
  readonly type: 'welcome';
  readonly id?: number;
  readonly version: number;
  /** Whom presence and `leave` mean by this client. */
  readonly client: string;
  /** To be shown when the client returns, by whatever transport, to whatever node. */
  readonly session: string;
  /** Milliseconds until the session expires; a new token comes with every welcome. */
  readonly expiresIn: number;
  /** A message comes at least this often, in milliseconds: where none does, the path is broken. */
  readonly heartbeat: number;
}

/** The answer to `subscribe`; what was missed follows, before everything newer. */
export interface SubscribedMessage {
  readonly type: 'subscribed';
  readonly id?: number;
  readonly channel: string;
  /**
   * Where the client is now, to be kept until a publication brings a newer one: the position that it came with, or that of
   * the channel. Missing where `since` was no position and publications follow, of which the first brings one.
   */
  readonly position?: string;
  /** Whether every publication since `since` follows; without `since`, true. */
  readonly recovered: boolean;
  /** Where it was not recovered: the newest publication that is kept, the current state. */
  readonly state?: PublicationMessage | null;
}

/** The server has ended a subscription. */
export interface UnsubscribedMessage {
  readonly type: 'unsubscribed';
  readonly id?: number;
  readonly channel: string;
  readonly code?: WireErrorCode;
  readonly detail?: string;
}

/** So many publications were left out before the one that follows, because the client reads too slowly. */
export interface SkippedMessage {
  readonly type: 'skipped';
  readonly channel: string;
  readonly count: number;
}

export interface PublishedMessage {
  readonly type: 'published';
  readonly id?: number;
  readonly channel: string;
  readonly position: string;
  /** It had been published before, with the same idempotency key. */
  readonly duplicate: boolean;
  readonly reach?: Reach;
}

/** How many subscribers a publication reached on the node that took it. */
export interface Reach {
  /** It is on its way to them. */
  readonly sent: number;
  /** It waits behind what they have not read yet. */
  readonly queued: number;
  /** They were left out, by policy. */
  readonly skipped: number;
}

export interface HistoryMessage {
  readonly type: 'history';
  readonly id?: number;
  readonly channel: string;
  readonly position: string;
  /** Whether nothing is missing between `since` and the first publication. */
  readonly complete: boolean;
  /** Whether there are more behind the last one. */
  readonly more: boolean;
  readonly publications: readonly PublicationMessage[];
}

/** Somebody who is present in a channel. */
export interface Member {
  readonly client: string;
  /** Who it is, where it is authenticated. */
  readonly principal?: string;
}

export interface PresenceMessage {
  readonly type: 'presence';
  readonly id?: number;
  readonly channel: string;
  readonly members: readonly Member[];
}

export interface JoinMessage extends Member {
  readonly type: 'join';
  readonly channel: string;
}

export interface LeaveMessage extends Member {
  readonly type: 'leave';
  readonly channel: string;
}

export interface HeartbeatMessage {
  readonly type: 'heartbeat';
}

export interface ErrorMessage {
  readonly type: 'error';
  /** The command that it answers. */
  readonly id?: number;
  readonly channel?: string;
  readonly code: WireErrorCode;
  readonly detail: string;
  /** Whether the same may succeed when tried again unchanged. */
  readonly retry: boolean;
  /** Milliseconds to wait before that. */
  readonly retryAfter?: number;
  /** With `PB_WIRE_VERSION`: what the server speaks. */
  readonly versions?: readonly number[];
}

/** The last message before the server ends the stream: why, and whether and when to come back. */
export interface ByeMessage {
  readonly type: 'bye';
  readonly code: WireErrorCode;
  readonly detail: string;
  readonly retry: boolean;
  readonly retryAfter?: number;
}

/** What a server says. Clients leave out what they do not know. */
export type ServerMessage =
  | WelcomeMessage
  | SubscribedMessage
  | UnsubscribedMessage
  | SkippedMessage
  | PublicationMessage
  | PublishedMessage
  | HistoryMessage
  | PresenceMessage
  | JoinMessage
  | LeaveMessage
  | HeartbeatMessage
  | ErrorMessage
  | ByeMessage;

/** The error as a message. @param id of the command that it answers */
export function errorMessage(error: WireError, id?: number, channel?: string): ErrorMessage {
  const { code, message: detail } = error;
  return {
    type: 'error',
    ...(id === undefined ? {} : { id }),
    ...(channel === undefined ? {} : { channel }),
    code,
    detail,
    retry: WIRE_ERRORS[code].retry,
  };
}
