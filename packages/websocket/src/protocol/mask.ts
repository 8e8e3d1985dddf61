/**
 * Masking (RFC 6455 §5.3): byte i of the payload is XORed with byte i mod 4 of the masking key. Keys are held as a
 * 32-bit integer whose lowest byte is the key's first byte on the wire, whatever the machine's byte order.
 */

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Below this many bytes the word loop does not pay: measured by bench/micro/mask.mjs. Memory that is new pays for its
 * view from here on, too: the frames behind the first one get that back.
 */
const WORDS_FROM = 16;

let viewed: Uint8Array | undefined;
let viewedWords: Int32Array = new Int32Array(0);

/**
 * The buffer of `bytes` as 32-bit words. Frames come in the same memory again and again, so the last view is kept; by
 * the identity of `bytes`, because its `buffer` is slow to ask for.
 */
function wordsOf(bytes: Uint8Array): Int32Array {
  if (bytes !== viewed) {
    const { buffer } = bytes;
    viewed = bytes;
    viewedWords = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
  }
  return viewedWords;
}

/** The key as it applies `by` bytes further on. */
export function rotateKey(key: number, by: number): number {
  const bits = (by & 3) << 3;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}

/**
 * Masks or unmasks (it is the same operation) the bytes from `start` to `end` in place.
 * @param key applies to the byte at `start` with its lowest byte
 * @returns all resulting bytes ORed together, four at a time: no bit of 0x80808080 is set where all of them are ASCII
 */
export function maskInPlace(bytes: Uint8Array, start: number, end: number, key: number): number {
  let seen = 0;
  let at = start;
  if (end - start >= WORDS_FROM && LITTLE_ENDIAN) {
    const offset = bytes.byteOffset;
    const aligned = at + (-(offset + at) & 3);
    let rotated = key;
    for (; at < aligned; at++) {
      const byte = (bytes[at] = (bytes[at]! ^ rotated) & 0xff);
      seen |= byte;
      rotated = (rotated >>> 8) | (rotated << 24);
    }
    const words = wordsOf(bytes);
    // Divided, not shifted: a buffer may have more than 2^31 bytes.
    let word = (offset + at) / 4;
    const last = Math.floor((offset + end) / 4);
    for (; word + 3 < last; word += 4) {
      const a = words[word]! ^ rotated;
      const b = words[word + 1]! ^ rotated;
      const c = words[word + 2]! ^ rotated;
      const d = words[word + 3]! ^ rotated;
      words[word] = a;
      words[word + 1] = b;
      words[word + 2] = c;
      words[word + 3] = d;
      seen |= a | b | c | d;
    }
    for (; word < last; word++) seen |= words[word] = words[word]! ^ rotated;
    at = last * 4 - offset;
    key = rotated;
  }
  for (; at < end; at++) {
    const byte = (bytes[at] = (bytes[at]! ^ key) & 0xff);
    seen |= byte;
    key = (key >>> 8) | (key << 24);
  }
  return seen;
}
