import { WireError } from './errors.ts';
import { checkJsonDepth, MAX_JSON_DEPTH } from './json-depth.ts';
import type { ServerMessage } from './messages.ts';
import { show } from './quote.ts';

/** What stands around a payload at most: an answer, its messages, a history, its publications, one of them. */
const ENVELOPES = 5;

type Fields = Readonly<Record<string, unknown>>;
/** Of a field's value, which may be missing. */
type Check = (value: unknown, message: Fields) => boolean;

/**
 * Reads one message of a server: a WebSocket message, a line of ndjson, the data of an event. What the message has beyond
 * its type's fields is left as it is; codes of errors may be newer than this package.
 * @returns undefined for a type that this version does not know: to be left out
 * @throws {WireError} `PB_MESSAGE_INVALID`, `PB_MESSAGE_DEPTH`
 */
export function readServerMessage(text: string): ServerMessage | undefined {
  return readMessage(parseObject(text));
}

/**
 * Reads the body that answers a request without a stream, `{ "messages": [ … ] }`; what is not known is left out.
 * @throws {WireError} as {@link readServerMessage}
 */
export function readServerMessages(text: string): ServerMessage[] {
  const { messages } = parseObject(text) as { messages?: unknown };
  if (!Array.isArray(messages)) throw wrong('the answer', 'messages', messages);
  return messages.map(readMessage).filter((message) => message !== undefined);
}

function parseObject(text: string): unknown {
  checkJsonDepth(text, MAX_JSON_DEPTH + ENVELOPES);
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // No JSON is as bad as another value.
  }
  throw new WireError('PB_MESSAGE_INVALID', `the server sent ${show(text)}: a message is a JSON object`);
}

function readMessage(value: unknown): ServerMessage | undefined {
  if (!isObject(value)) throw new WireError('PB_MESSAGE_INVALID', `the server sent ${show(value)} for a message`);
  const { type } = value as { type?: unknown };
  if (typeof type !== 'string') throw wrong('a message', 'type', type);
  const fields = SHAPES.get(type);
  if (fields === undefined) return undefined;
  const fault = findFault(value, fields);
  if (fault !== undefined) throw wrong(type, fault, value[fault]);
  return value as unknown as ServerMessage;
}

const wrong = (what: string, field: string, value: unknown): WireError =>
  new WireError('PB_MESSAGE_INVALID', `the server sent ${what} whose ${field} is ${show(value)}`);

const findFault = (value: Fields, shape: Shape): string | undefined =>
  shape.find(([field, check]) => !check(value[field], value))?.[0];

type Shape = readonly (readonly [field: string, check: Check])[];

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === 'string';
const isBoolean: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** Milliseconds may have a fraction. */
const isTime: Check = (value) => Number.isFinite(value) && (value as number) >= 0;
const isCode: Check = (value) => typeof value === 'string' && /^PB_[A-Z\d_]{1,60}$/.test(value);
/** What is encoded is text; all else may be any JSON value. */
const isData: Check = (value, { encoding }) =>
  encoding === undefined ? value !== undefined : typeof value === 'string';
const optional =
  (check: Check): Check =>
  (value, message) =>
    value === undefined || check(value, message);
const listOf =
  (check: Check): Check =>
  (value, message) =>
    Array.isArray(value) && value.every((item) => check(item, message));
const shaped =
  (shape: Shape): Check =>
  (value) =>
    isObject(value) && findFault(value, shape) === undefined;

const ID = ['id', optional(isCount)] as const;
const CHANNEL = ['channel', isText] as const;
const POSITION = ['position', isText] as const;
const CODE = ['code', isCode] as const;
const RETRY = [
  ['detail', isText],
  ['retry', isBoolean],
  ['retryAfter', optional(isTime)],
] as const;
const MEMBER: Shape = [
  ['client', isText],
  ['principal', optional(isText)],
];
const PUBLICATION: Shape = [
  CHANNEL,
  POSITION,
  ['time', isTime],
  ['contentType', isText],
  ['key', optional(isText)],
  ['encoding', optional((value) => value === 'base64')],
  ['data', isData],
];
const isPublication: Check = (value) =>
  isObject(value) && value['type'] === 'publication' && findFault(value, PUBLICATION) === undefined;
const REACH: Shape = [
  ['sent', isCount],
  ['queued', isCount],
  ['skipped', isCount],
];

const SHAPES: ReadonlyMap<string, Shape> = new Map<ServerMessage['type'], Shape>([
  [
    'welcome',
    [ID, ['version', isCount], ['client', isText], ['session', isText], ['expiresIn', isTime], ['heartbeat', isTime]],
  ],
  [
    'subscribed',
    [
      ID,
      CHANNEL,
      ['position', optional(isText)],
      ['recovered', isBoolean],
      ['state', optional((value, message) => value === null || isPublication(value, message))],
    ],
  ],
  ['unsubscribed', [ID, CHANNEL, ['code', optional(isCode)], ['detail', optional(isText)]]],
  ['skipped', [CHANNEL, ['count', isCount]]],
  ['publication', PUBLICATION],
  ['published', [ID, CHANNEL, POSITION, ['duplicate', isBoolean], ['reach', optional(shaped(REACH))]]],
  [
    'history',
    [ID, CHANNEL, POSITION, ['complete', isBoolean], ['more', isBoolean], ['publications', listOf(isPublication)]],
  ],
  ['presence', [ID, CHANNEL, ['members', listOf(shaped(MEMBER))]]],
  ['join', [CHANNEL, ...MEMBER]],
  ['leave', [CHANNEL, ...MEMBER]],
  ['heartbeat', []],
  ['error', [ID, ['channel', optional(isText)], CODE, ...RETRY, ['versions', optional(listOf(isCount))]]],
  ['bye', [CODE, ...RETRY]],
]);
