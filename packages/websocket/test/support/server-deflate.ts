import { Buffer } from 'node:buffer';
import { constants, deflateRawSync } from 'node:zlib';
import { TAIL } from './deflate.ts';
import { referenceInflate, type Decoded } from './reference-inflate.ts';

/**
 * A message as a server compresses it (RFC 7692 §7.2.1), by zlib itself.
 * @param window the messages before, where they are referred to
 */
export function compressed(message: string | Uint8Array, window: Uint8Array = new Uint8Array(0)): Buffer {
  const dictionary = window.length === 0 ? {} : { dictionary: window };
  return deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH, ...dictionary }).subarray(0, -TAIL.length);
}

/** What a client compressed, by the decoder that was written from RFC 1951. */
export function decompressed(payload: Uint8Array, window?: Uint8Array): Decoded {
  return referenceInflate(Buffer.concat([payload, TAIL]), window);
}
