import { isUtf8 } from 'node:buffer';
import { createHash, randomFillSync } from 'node:crypto';
import * as crypto from 'node:crypto';
import type { Platform } from '../protocol/platform.ts';
import { mask } from './simd-mask.ts';

// These take any Uint8Array as `this`, so no Buffer has to be made around memory that is only read once. They are not
// in the documentation of Buffer; where one is missing, the documented way takes its place.
interface BufferMethods {
  latin1Slice?: (start: number, end: number) => string;
  utf8Slice?: (start: number, end: number) => string;
  utf8Write?: (text: string, offset: number, length?: number) => number;
}
const { latin1Slice, utf8Slice, utf8Write } = Buffer.prototype as BufferMethods;

/** `crypto.hash` (Node 20.12 and 21.7) does in one call what `createHash` does in three objects. */
const hash: typeof crypto.hash | undefined = crypto.hash;

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** Node.js, as the protocol needs it. */
export const nodePlatform: Platform = {
  isUtf8: (bytes, start, end) => isUtf8(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)),

  decodeAscii: latin1Slice
    ? (bytes, start, end) => latin1Slice.call(bytes, start, end)
    : (bytes, start, end) => asBuffer(bytes).toString('latin1', start, end),

  decodeUtf8: utf8Slice
    ? (bytes, start, end) => utf8Slice.call(bytes, start, end)
    : (bytes, start, end) => asBuffer(bytes).toString('utf8', start, end),

  encodeUtf8: utf8Write
    ? (text, target, at) => utf8Write.call(target, text, at, target.length - at)
    : (text, target, at) => asBuffer(target).write(text, at),

  mask,

  randomFill: (target) => {
    randomFillSync(target);
  },

  sha1Base64: hash
    ? (text) => hash('sha1', text, 'base64')
    : (text) => createHash('sha1').update(text, 'latin1').digest('base64'),
};
