import type { PublicationMessage } from '@pulsebeacon/wire';
import { BeaconError } from './errors.ts';
import { globals } from './platform.ts';

/** A publication as it came. */
export interface Publication<T = unknown> {
  readonly channel: string;
  /** Where it is in the order of the channel. */
  readonly position: string;
  /** When it was published: milliseconds since 1970. */
  readonly time: number;
  readonly contentType: string;
  /** What it is the newest state of. */
  readonly key?: string;
  /** The JSON value; a string for text; a `Uint8Array` for everything else. */
  readonly data: T;
}

export function toPublication<T>(message: PublicationMessage): Publication<T> {
  const { channel, position, time, contentType, key, encoding, data } = message;
  const value = (encoding === undefined ? data : fromBase64(data as string)) as T;
  const publication = { channel, position, time, contentType, data: value };
  return key === undefined ? publication : { ...publication, key };
}

/** The fields of `publish` that carry a payload. @throws {BeaconError} `PB_PAYLOAD_INVALID` */
export function toPayload(data: unknown, contentType: string | undefined): Record<string, unknown> {
  const bytes = bytesOf(data);
  if (bytes !== undefined) return { contentType, encoding: 'base64', data: toBase64(bytes) };
  if (JSON.stringify(data) === undefined) {
    const detail = `data is ${typeof data}: publish JSON, text, or bytes`;
    throw new BeaconError('PB_PAYLOAD_INVALID', detail);
  }
  return { contentType, data };
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}

/** So many arguments a call takes everywhere. */
const SLICE = 0x2000;

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += SLICE) text += String.fromCharCode(...bytes.subarray(at, at + SLICE));
  return globals.btoa(text);
}

/** 128 random bits. */
export const randomId = (): string => toBase64(globals.crypto.getRandomValues(new Uint8Array(16)));

export const fromBase64 = (text: string): Uint8Array =>
  Uint8Array.from(globals.atob(text), (character) => character.charCodeAt(0));
