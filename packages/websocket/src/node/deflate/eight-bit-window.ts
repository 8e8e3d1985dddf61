import { Buffer } from 'node:buffer';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/**
 * zlib cannot deflate raw data with a window of 256 bytes (windowBits 8), which a client may ask for (RFC 7692
 * §7.1.2.1). With 512 (windowBits 9) it does nothing else, though: a match has to lie 262 bytes inside the window
 * (MIN_LOOKAHEAD), so none is further back than 250. That compresses twice as well as leaving matches out, but nobody
 * promises it: it is tried out once, before it is relied on. Where it does not hold, data is only Huffman coded.
 */
export function eightBitStrategy(): number {
  strategy ??= chooseStrategy(9);
  return strategy;
}

let strategy: number | undefined;

export function chooseStrategy(windowBits: number): number {
  return staysWithin256(windowBits) ? constants.Z_DEFAULT_STRATEGY : constants.Z_HUFFMAN_ONLY;
}

/** The smallest that zlib takes; an inflater also reaches back into what the same call made. */
const CHUNK = 64;

/** Whether a decoder with a window of 256 bytes reads what zlib deflates with `windowBits`, at every level. */
function staysWithin256(windowBits: number): boolean {
  const probe = repeatedFurtherThan(256 + CHUNK);
  return [1, 2, 4, 6, 9].every((level) => {
    const deflated = deflateRawSync(probe, { windowBits, level });
    try {
      return inflateRawSync(deflated, { windowBits: 8, chunkSize: CHUNK }).equals(probe);
    } catch {
      return false;
    }
  });
}

/** Bytes that repeat at distances from `distance` to beyond 512, and at none below. */
function repeatedFurtherThan(distance: number): Buffer {
  const parts: Buffer[] = [];
  let state = 1;
  for (let length = distance + 1; length < 640; length += 37) {
    const part = Buffer.alloc(length);
    // A linear congruential generator: no bytes of one part are in another.
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      part[i] = state >>> 24;
    }
    parts.push(part, part);
  }
  return Buffer.concat(parts);
}
