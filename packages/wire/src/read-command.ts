import { parseChannelName } from './channel-name.ts';
import { WireError } from './errors.ts';
import { checkJsonDepth } from './json-depth.ts';
import { checkIdempotencyKey, parseStateKey } from './keys.ts';
import type { Command, HelloCommand, HistoryCommand, PublishCommand, SubscribeCommand } from './messages.ts';
import { checkBase64, checkNumbers, parsePayloadType, type PayloadKind } from './payload.ts';
import { parseSince, type Since } from './position.ts';
import { show, quote } from './quote.ts';

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
 * @param channel all that it can be about, and need not say: the WebSocket of a single channel
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
  // What was allowed in one channel is not allowed in another for it.
  if (given !== undefined && channel !== given) throw wrong('channel', channel, `${quote(given)}, or leave it out`);
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
    ...(flag(fields, 'lines', false) ? { lines: true } : {}),
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
  const type = optionalText('contentType', contentType, 200);
  const kind = type.contentType === undefined ? 'json' : parsePayloadType(type.contentType).kind;
  if (encoding === undefined) checkPlainData(data, kind);
  else checkBase64(data as string);
  return {
    type: 'publish',
    ...common,
    data,
    ...(encoding === undefined ? {} : { encoding: 'base64' }),
    ...type,
    ...(key === undefined ? {} : { key: parseStateKey(key) }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: checkIdempotencyKey(idempotencyKey) }),
    reach: flag(fields, 'reach', false),
  };
}

/** Holds data that is not encoded against the kind of its content type. */
function checkPlainData(data: unknown, kind: PayloadKind): void {
  if (kind === 'json') {
    checkNumbers(data);
    return;
  }
  // A lone surrogate has no form in UTF-8.
  if (kind === 'text' && typeof data === 'string' && !/\p{Cs}/u.test(data)) return;
  const allowed = kind === 'text' ? 'a string without lone surrogates' : 'base64, and encoding "base64"';
  throw new WireError('PB_PAYLOAD_INVALID', `data is ${show(data)}, but contentType says ${kind}: give ${allowed}`);
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
  return new WireError('PB_COMMAND_INVALID', `${name} is ${show(value)}: give ${allowed}`);
}
