import { parseChannelName } from './channel-name.ts';
import { WireError, WIRE_ERRORS, type WireErrorCode } from './errors.ts';
import { checkJsonDepth } from './json-depth.ts';
import { checkIdempotencyKey, parseStateKey } from './keys.ts';
import { parseSince, type Since } from './position.ts';
import type { PublicationMessage } from './publication.ts';
import { quote } from './quote.ts';

/** What a client says first. */
export interface HelloCommand {
  readonly type: 'hello';
  /** The versions of the protocol that it speaks, what it prefers first. */
  readonly versions: readonly number[];
  /** The session that it returns to. */
  readonly session?: string;
  /** As in the header field Authorization, for those who cannot send one. */
  readonly authorization?: string;
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

/** A command that cannot be read, where it can still be said which one it was. */
export class CommandError extends WireError {
  readonly id: number | undefined;

  constructor(error: WireError, id: number | undefined) {
    super(error.code, error.message);
    this.id = id;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one command.
 * @param text JSON
 * @param channel what the command is about where it does not say so: the WebSocket of a single channel
 * @throws {CommandError} with a code that says whether the connection can go on (`closeCode` of the table)
 */
export function parseCommand(text: string, channel?: string): Command {
  let value: unknown;
  try {
    checkJsonDepth(text);
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof WireError) throw new CommandError(error, undefined);
    throw new CommandError(new WireError('PB_MESSAGE_INVALID', 'a message is a JSON object'), undefined);
  }
  return readCommand(value, channel);
}

/** As {@link parseCommand}, for JSON that was parsed already and is at most 32 levels deep. @throws {CommandError} */
export function readCommand(value: unknown, channel?: string): Command {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandError(new WireError('PB_MESSAGE_INVALID', 'a message is a JSON object'), undefined);
  }
  const fields = value as Fields;
  const { id } = fields as { id?: unknown };
  const isId = typeof id === 'number' && Number.isSafeInteger(id) && id >= 0;
  try {
    if (id !== undefined && !isId) throw wrong('id', id, 'a whole number from 0 to 2^53 - 1');
    return readFields(fields, isId ? { id } : {}, channel);
  } catch (error) {
    throw new CommandError(error as WireError, isId ? id : undefined);
  }
}

function readFields(fields: Fields, id: { readonly id?: number }, given: string | undefined): Command {
  const { type } = fields as { type?: unknown };
  if (typeof type !== 'string') throw wrong('type', type, 'the name of a command, such as "subscribe"');
  if (type === 'hello') return readHello(fields, id);
  const reader = READERS.get(type);
  if (reader === undefined) {
    const known = ['hello', ...READERS.keys()].join(', ');
    throw new WireError('PB_MESSAGE_UNKNOWN', `there is no command ${quote(type)}: there are ${known}`);
  }
  const { channel = given } = fields as { channel?: unknown };
  if (typeof channel !== 'string') throw wrong('channel', channel, 'the name of a channel');
  return reader(fields, { ...id, channel: parseChannelName(channel) });
}

/** What every command about a channel has. */
interface Common {
  readonly id?: number;
  readonly channel: string;
}

const READERS: ReadonlyMap<string, (fields: Fields, common: Common) => Command> = new Map<
  string,
  (fields: Fields, common: Common) => Command
>([
  ['subscribe', readSubscribe],
  ['unsubscribe', (_, common) => ({ type: 'unsubscribe', ...common })],
  ['publish', readPublish],
  ['history', readHistory],
  ['presence', (_, common) => ({ type: 'presence', ...common })],
]);

const MAX_VERSIONS = 16;
const MAX_TOKEN = 4096;

function readHello(fields: Fields, id: { readonly id?: number }): HelloCommand {
  const { versions, session, authorization } = fields as Record<keyof HelloCommand, unknown>;
  const isList = Array.isArray(versions) && versions.length <= MAX_VERSIONS && versions.every(Number.isSafeInteger);
  if (!isList) throw wrong('versions', versions, `a list of at most ${MAX_VERSIONS} numbers, such as [1]`);
  return {
    type: 'hello',
    ...id,
    versions: versions as number[],
    ...optionalText('session', session, MAX_TOKEN),
    ...optionalText('authorization', authorization, MAX_TOKEN),
  };
}

function readSubscribe(fields: Fields, common: Common): SubscribeCommand {
  return { type: 'subscribe', ...common, ...since(fields), echo: flag(fields, 'echo', true) };
}

function readPublish(fields: Fields, common: Common): PublishCommand {
  const { data, encoding, contentType, key, idempotencyKey } = fields as Record<keyof PublishCommand, unknown>;
  if (data === undefined) throw wrong('data', data, 'a JSON value');
  if (encoding !== undefined && (encoding !== 'base64' || typeof data !== 'string')) {
    throw wrong('encoding', encoding, '"base64", with data that is a string');
  }
  return {
    type: 'publish',
    ...common,
    data,
    ...(encoding === undefined ? {} : { encoding: 'base64' }),
    ...optionalText('contentType', contentType, 200),
    ...(key === undefined ? {} : { key: parseStateKey(key) }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: checkIdempotencyKey(idempotencyKey) }),
    reach: flag(fields, 'reach', false),
  };
}

function readHistory(fields: Fields, common: Common): HistoryCommand {
  const { limit } = fields as { limit?: unknown };
  const isLimit = typeof limit === 'number' && Number.isSafeInteger(limit) && limit > 0;
  if (limit !== undefined && !isLimit) throw wrong('limit', limit, 'a whole number above 0');
  return { type: 'history', ...common, ...since(fields), ...(isLimit ? { limit } : {}) };
}

function since(fields: Fields): { since?: Since } {
  const { since: value } = fields as { since?: unknown };
  if (value === undefined) return {};
  if (typeof value !== 'string') throw wrong('since', value, 'a position, a duration such as "10m", or "all"');
  return { since: parseSince(value) };
}

function flag(fields: Fields, name: string, byDefault: boolean): boolean {
  const value = fields[name];
  if (value === undefined) return byDefault;
  if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
  return value;
}

function optionalText<Name extends string>(name: Name, value: unknown, longest: number): { [N in Name]?: string } {
  if (value === undefined) return {};
  if (typeof value !== 'string' || value.length > longest) throw wrong(name, value, `at most ${longest} characters`);
  return { [name]: value } as { [N in Name]?: string };
}

function wrong(name: string, value: unknown, allowed: string): WireError {
  const shown = value === undefined ? 'missing' : quote(JSON.stringify(value));
  return new WireError('PB_MESSAGE_INVALID', `${name} is ${shown}: give ${allowed}`);
}
