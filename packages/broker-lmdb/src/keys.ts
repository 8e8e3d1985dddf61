// The keys of what is kept. No name of a channel has a NUL, so that what begins with a name and a NUL belongs to it.
import { createHash } from 'node:crypto';

const OFFSET_BYTES = 6;
/** LMDB takes keys of 511 bytes at least, whatever its pages. */
const LONGEST = 480;

/** Where the segments of a channel begin: its name, then the offset of the first publication. */
export function segmentKey(channel: string, first: number): Buffer {
  const length = Buffer.byteLength(channel);
  const key = Buffer.allocUnsafe(length + 1 + OFFSET_BYTES);
  key.write(channel);
  key[length] = 0;
  key.writeUIntBE(first, length + 1, OFFSET_BYTES);
  return key;
}

export function offsetOf(key: Buffer): number {
  return key.readUIntBE(key.length - OFFSET_BYTES, OFFSET_BYTES);
}

/** Beyond every offset that a broker reaches: 20,000 publications a second take 400 years. */
export const LAST_OFFSET: number = 2 ** (8 * OFFSET_BYTES) - 1;

/** A text of any length; one that is too long for a key stands there by its hash. */
export function textKey(text: string): Buffer {
  const key = Buffer.from(text);
  return key.length <= LONGEST ? key : createHash('sha512').update(key).digest();
}

/** In the order of time. @param sequence tells apart what is due in the same millisecond */
export function dueKey(time: number, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeUIntBE(Math.min(time, LAST_OFFSET), 0, 6);
  key.writeUIntBE(sequence, 6, 6);
  return key;
}

export function timeOf(key: Buffer): number {
  return key.readUIntBE(0, 6);
}
