import { WireError } from './errors.ts';
import { quote } from './quote.ts';

/** Most bytes of a name in UTF-8. */
export const MAX_NAME_BYTES = 255;

/** Letters, their marks, digits, and punctuation that needs no quoting in a URL, a shell or a pattern. */
const NAME = /^[\p{L}\p{M}\p{N}._~:@-]+$/u;

/**
 * Reads the name of a channel, as every door of the system does: there is one spelling of a name, compared exactly and
 * with regard to case. 1 to 255 bytes of UTF-8 in Unicode normalization form C; letters, digits, and `. _ ~ : @ -`.
 * `.` and `..` are no names, because URLs resolve them.
 * @returns the name itself
 * @throws {WireError} `PB_CHANNEL_NAME`
 */
export function parseChannelName(text: string): string {
  const fault = findFault(text);
  if (fault === undefined) return text;
  throw new WireError('PB_CHANNEL_NAME', `${quote(text)} is no name of a channel: ${fault}`);
}

/**
 * Reads the name in a segment of a URL's path. It is percent-decoded once: what is encoded twice keeps its percent sign,
 * which no name has.
 * @throws {WireError} `PB_CHANNEL_NAME`
 */
export function parseChannelSegment(segment: string): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw new WireError(
      'PB_CHANNEL_NAME',
      `${quote(segment)} is no name of a channel: it is not percent-encoded UTF-8`,
    );
  }
  return parseChannelName(text);
}

function findFault(name: string): string | undefined {
  if (name === '') return 'it is empty';
  // In UTF-16 a name has at most as many units as it has bytes in UTF-8.
  if (name.length > MAX_NAME_BYTES || utf8Length(name) > MAX_NAME_BYTES)
    return `it has more than ${MAX_NAME_BYTES} bytes`;
  if (name === '.' || name === '..') return 'URLs take it for a folder';
  if (!NAME.test(name)) return 'a name has letters, digits, and . _ ~ : @ - (chat:room-1)';
  if (name.normalize('NFC') !== name) return 'it is not in Unicode normalization form C';
  return undefined;
}

/** Bytes of well-formed UTF-16 in UTF-8; a lone surrogate counts as three, and is no letter anyway. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
