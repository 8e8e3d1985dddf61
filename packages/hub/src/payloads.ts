import { isUtf8 } from 'node:buffer';
import {
  BINARY_TYPE,
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
  const type =
    contentType === undefined ? (isUtf8(body) ? TEXT_PAYLOAD : BINARY_PAYLOAD) : parsePayloadType(contentType);
  if (type.kind === 'binary') return { ...type, data: Uint8Array.from(body) };
  if (!isUtf8(body)) {
    const hint = `publish it as UTF-8, or as ${BINARY_TYPE}`;
    throw new WireError('PB_PAYLOAD_INVALID', `the body is ${type.contentType} and not UTF-8: ${hint}`);
  }
  const data = body.toString();
  if (type.kind === 'json') checkJsonPayload(data);
  return { ...type, data };
}

/** The payload of a WebSocket message on a channel itself: text as text, bytes as bytes. */
export function payloadOfMessage(data: string | Uint8Array): Payload {
  return typeof data === 'string' ? { ...TEXT_PAYLOAD, data } : { ...BINARY_PAYLOAD, data };
}

/**
 * The payload of a `publish` command: JSON, unless its `contentType` or `encoding` say otherwise.
 * @throws {WireError} as {@link payloadOfBody}, where `data` is not what the type says
 */
export function payloadOfCommand({ data, encoding, contentType }: PublishCommand): Payload {
  if (encoding === 'base64') return payloadOfBody(decodeBase64(data as string), contentType ?? BINARY_TYPE);
  const type = contentType === undefined ? JSON_PAYLOAD : parsePayloadType(contentType);
  if (type.kind === 'json') return { ...type, data: JSON.stringify(data) };
  if (typeof data !== 'string') {
    throw new WireError(
      'PB_PAYLOAD_INVALID',
      `contentType is ${type.contentType}: data is text, or base64 with "encoding": "base64"`,
    );
  }
  if (type.kind === 'binary') {
    throw new WireError(
      'PB_PAYLOAD_INVALID',
      `contentType is ${type.contentType}: send data in base64, with "encoding": "base64"`,
    );
  }
  return { ...type, data };
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function decodeBase64(text: string): Buffer {
  if (text.length % 4 === 0 && BASE64.test(text)) return Buffer.from(text, 'base64');
  throw new WireError('PB_PAYLOAD_INVALID', 'data is not base64 (RFC 4648 §4, with its padding)');
}

/** What a value is published as by the server itself: text, bytes, or anything else as JSON. */
export function payloadOfValue(value: unknown): Payload {
  if (typeof value === 'string') return { ...TEXT_PAYLOAD, data: value };
  if (value instanceof Uint8Array) return { ...BINARY_PAYLOAD, data: Uint8Array.from(value) };
  const data = JSON.stringify(value) as string | undefined;
  if (data === undefined)
    throw new WireError('PB_PAYLOAD_INVALID', `${typeof value} is no JSON: publish text, bytes, or a JSON value`);
  return { ...JSON_PAYLOAD, data };
}

/** Bytes of a payload as it was published. */
export function payloadSize({ data }: Payload): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.length;
}
