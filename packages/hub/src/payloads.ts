import { isUtf8 } from 'node:buffer';
import {
  BINARY_TYPE,
  checkJsonDepth,
  checkJsonPayload,
  JSON_TYPE,
  parsePayloadType,
  type PayloadType,
  type PublishCommand,
  TEXT_TYPE,
  WireError,
} from '@pulsebeacon/wire';
import type { NewPublication } from './broker.ts';

/** What is published, without who publishes it and what it replaces. */
export type Payload = Pick<NewPublication, 'kind' | 'contentType' | 'data'>;

const JSON_PAYLOAD: PayloadType = { kind: 'json', contentType: JSON_TYPE };
const TEXT_PAYLOAD: PayloadType = { kind: 'text', contentType: TEXT_TYPE };
const BINARY_PAYLOAD: PayloadType = { kind: 'binary', contentType: BINARY_TYPE };

/**
 * The payload of an HTTP body, byte for byte. Without a Content-Type it is text where it is UTF-8, else binary.
 * @throws {WireError} `PB_MEDIA_TYPE`, `PB_PAYLOAD_CHARSET`, `PB_PAYLOAD_INVALID`, `PB_MESSAGE_DEPTH`
 */
export function payloadOfBody(body: Buffer, contentType: string | undefined): Payload {
  const type = contentType === undefined ? (isUtf8(body) ? TEXT_PAYLOAD : BINARY_PAYLOAD) : typeOf(contentType);
  const { kind } = type;
  if (kind === 'binary') return { kind, contentType: type.contentType, data: new Uint8Array(body) };
  const data = body.toString();
  // What is no UTF-8 has become U+FFFD.
  if (data.includes('\uFFFD') && !isUtf8(body)) {
    const hint = `publish it as UTF-8, or as ${BINARY_TYPE}`;
    throw new WireError('PB_PAYLOAD_INVALID', `the body is ${type.contentType} and not UTF-8: ${hint}`);
  }
  if (kind === 'json') checkJsonPayload(data);
  return { kind, contentType: type.contentType, data };
}

let lastRead = { contentType: TEXT_TYPE, type: TEXT_PAYLOAD };

/** Bodies of one type come one after the other: the last one that was read is kept. */
function typeOf(contentType: string): PayloadType {
  if (contentType !== lastRead.contentType) lastRead = { contentType, type: parsePayloadType(contentType) };
  return lastRead.type;
}

/**
 * The payload of a WebSocket message on a channel itself: text, which came as UTF-8, as text; bytes, which are the caller's
 * own, as bytes.
 */
export function payloadOfMessage(data: string | Uint8Array): Payload {
  // What came as UTF-8 has no half of a surrogate pair.
  return typeof data === 'string'
    ? { kind: 'text', contentType: TEXT_TYPE, data }
    : { kind: 'binary', contentType: BINARY_TYPE, data };
}

/**
 * The payload of a `publish` command as the wire has read it: JSON, unless its `contentType` or `encoding` say otherwise.
 * @throws {WireError} as {@link payloadOfBody}, where the bytes of base64 are not what the type says
 */
export function payloadOfCommand({ data, encoding, contentType }: PublishCommand): Payload {
  if (encoding === 'base64') return payloadOfBody(Buffer.from(data as string, 'base64'), contentType ?? BINARY_TYPE);
  const type = contentType === undefined ? JSON_PAYLOAD : parsePayloadType(contentType);
  return { ...type, data: type.kind === 'json' ? JSON.stringify(data) : (data as string) };
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Text as UTF-8 can say it: half of a surrogate pair becomes U+FFFD, as in a USVString. */
function toUsv(text: string): string {
  return LONE_SURROGATE.test(text) ? Buffer.from(text).toString() : text;
}

/**
 * What a value is published as by the server itself: text, bytes, or anything else as JSON; with a `contentType`, text and
 * bytes are as a body of that type.
 * @throws {WireError} as {@link payloadOfBody}
 */
export function payloadOfValue(value: unknown, contentType?: string): Payload {
  const isText = typeof value === 'string';
  if (contentType !== undefined) {
    return payloadOfBody(Buffer.from(isText || value instanceof Uint8Array ? value : toJson(value)), contentType);
  }
  if (isText) return { ...TEXT_PAYLOAD, data: toUsv(value) };
  if (value instanceof Uint8Array) return { ...BINARY_PAYLOAD, data: Uint8Array.from(value) };
  return { ...JSON_PAYLOAD, data: toJson(value) };
}

function toJson(value: unknown): string {
  let data: string | undefined;
  let fault = `${typeof value} is no JSON`;
  try {
    data = JSON.stringify(value) as string | undefined;
  } catch (error) {
    // A cycle, a BigInt, or what a toJSON throws.
    fault = (error as Error).message.split('\n', 1)[0]!;
  }
  if (data === undefined) throw new WireError('PB_PAYLOAD_INVALID', `${fault}: publish text, bytes, or a JSON value`);
  checkJsonDepth(data);
  return data;
}

/** @throws {WireError} `PB_PAYLOAD_TOO_LARGE` */
export function checkPayloadSize({ data }: Payload, maxBytes: number, channel: string): void {
  // UTF-8 takes at most three bytes for a UTF-16 code unit: few texts have to be counted.
  if (typeof data === 'string' ? data.length * 3 <= maxBytes : data.length <= maxBytes) return;
  const bytes = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
  if (bytes <= maxBytes) return;
  const limit = `a message of ${channel} has at most ${maxBytes}`;
  throw new WireError('PB_PAYLOAD_TOO_LARGE', `the payload has ${bytes} bytes: ${limit}`);
}
