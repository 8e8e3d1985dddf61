import { Buffer, isUtf8 } from 'node:buffer';
import { createHash, randomFillSync } from 'node:crypto';
import { maskInPlace } from '#dist/protocol/mask.js';
import type { Platform } from '#dist/protocol/platform.js';

const view = (bytes: Uint8Array, start: number, end: number): Buffer =>
  Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, end - start);

/** A plain implementation of Platform, so that the tests of the protocol need nothing of src/node. */
export const testPlatform: Platform = {
  isUtf8: (bytes, start, end) => isUtf8(view(bytes, start, end)),
  decodeAscii: (bytes, start, end) => view(bytes, start, end).toString('latin1'),
  decodeUtf8: (bytes, start, end) => view(bytes, start, end).toString('utf8'),
  encodeUtf8: (text, target, at) => new TextEncoder().encodeInto(text, target.subarray(at)).written,
  mask: maskInPlace,
  randomFill: (target) => void randomFillSync(target),
  sha1Base64: (text) => createHash('sha1').update(text, 'latin1').digest('base64'),
};
