import type { Publication } from '../payload.ts';
import { type BlobLike, utf8 } from './dom.ts';

export type SendData = string | ArrayBuffer | ArrayBufferView | BlobLike;

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = /^application\/json\b|\+json\b/i;

export function sizeOf(data: SendData): number {
  if (typeof data === 'string') return utf8(data).length;
  return 'size' in data ? data.size : data.byteLength;
}

/** What is published for a message: as by the WebSocket of a channel, text as text, and bytes as bytes. */
export async function toPayload(data: SendData): Promise<{ readonly data: unknown; readonly contentType?: string }> {
  if (typeof data === 'string') return { data, contentType: TEXT };
  return { data: 'size' in data ? await data.arrayBuffer() : data };
}

/** The data of a message: text, or bytes. */
export function fromPublication({ data, contentType }: Publication): string | Uint8Array {
  if (data instanceof Uint8Array) return data;
  return JSON_TYPE.test(contentType) ? JSON.stringify(data) : String(data);
}
