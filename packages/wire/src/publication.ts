import type { PayloadKind } from './payload.ts';
import { formatPosition, type Position } from './position.ts';

/** A publication as brokers keep it and hubs deliver it: the same for every subscriber. */
export interface Publication extends Position {
  readonly channel: string;
  /** When it got its position: milliseconds since 1970. */
  readonly time: number;
  readonly kind: PayloadKind;
  readonly contentType: string;
  /** Text for JSON and text, exactly as published; bytes for binary. Nobody changes them. */
  readonly data: string | Uint8Array;
  /** What it is the newest state of, for channels that conflate. */
  readonly key?: string | undefined;
  /** The client that published it; hubs use it, clients are not told. */
  readonly publisher?: string | undefined;
}

/** A publication in JSON: a line of ndjson, the data of an event, an enveloped WebSocket message. */
export interface PublicationMessage {
  readonly type: 'publication';
  readonly channel: string;
  readonly position: string;
  readonly time: number;
  readonly contentType: string;
  readonly key?: string;
  /** `base64`: `data` is that of bytes. Without it: the JSON value, or text. */
  readonly encoding?: 'base64';
  readonly data: unknown;
}

/**
 * The JSON of a publication, on one line. The value of a JSON payload stands in it as it was published: only line ends
 * between its tokens become spaces.
 * @param toBase64 for binary payloads
 */
export function encodePublication(publication: Publication, toBase64: (bytes: Uint8Array) => string): string {
  const { channel, time, contentType, key } = publication;
  const head = `{"type":"publication","channel":${JSON.stringify(channel)},"position":"${formatPosition(publication)}"`;
  const middle = `,"time":${time},"contentType":${JSON.stringify(contentType)}`;
  const state = key === undefined ? '' : `,"key":${JSON.stringify(key)}`;
  return `${head}${middle}${state}${encodeData(publication, toBase64)}}`;
}

function encodeData({ kind, data }: Publication, toBase64: (bytes: Uint8Array) => string): string {
  if (typeof data !== 'string') return `,"encoding":"base64","data":"${toBase64(data)}"`;
  if (kind === 'text') return `,"data":${JSON.stringify(data)}`;
  // Inside strings, JSON has no raw line ends (RFC 8259 §7).
  return `,"data":${/[\r\n]/.test(data) ? data.replace(/[\r\n]+/g, ' ') : data}`;
}
