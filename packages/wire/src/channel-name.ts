import { WireError } from './errors.ts';
import { quote } from './quote.ts';

/** Most bytes of a name in UTF-8. */
export const MAX_NAME_BYTES = 255;

/**
 * Letters, their marks, digits, and punctuation that needs no quoting in a URL, a shell or a pattern. What is not seen
 * (UAX #44: Default_Ignorable_Code_Point) is left out, though some of it counts as letter or mark: variation selectors,
 * fillers, joiners.
 */
const NAME = /^(?:(?!\p{DI})[\p{L}\p{M}\p{N}._~:@-])+$/u;

/** Most names: there is nothing to decode, to normalize or to count in them. */
const PLAIN = /^[a-zA-Z\d_:@-][a-zA-Z\d._~:@-]*$/;

const ASCII = /^[!-~]*$/;

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
 * Reads the name in a segment of a URL's path, as it came in the request. It is percent-decoded once: what is encoded
 * twice keeps its percent sign, which no name has.
 * @throws {WireError} `PB_CHANNEL_NAME`
 */
export function parseChannelSegment(segment: string): string {
  if (isPlain(segment)) return segment;
  let text: string | undefined;
  try {
    // Raw bytes beyond ASCII, which URLs do not have (RFC 3986 §2), arrive as one character each: another name.
    if (ASCII.test(segment)) text = decodeURIComponent(segment);
  } catch {
    // Malformed, or not UTF-8.
  }
  if (text !== undefined) return parseChannelName(text);
  const fault = 'in a URL it is percent-encoded UTF-8 (caf%C3%A9)';
  throw new WireError('PB_CHANNEL_NAME', `${quote(segment)} is no name of a channel: ${fault}`);
}

function isPlain(text: string): boolean {
  return text.length <= MAX_NAME_BYTES && PLAIN.test(text);
}

function findFault(name: string): string | undefined {
  if (isPlain(name)) return undefined;
  if (name === '') return 'it is empty';
  // In UTF-16 a name has at most as many units as it has bytes in UTF-8.
  if (name.length > MAX_NAME_BYTES || utf8Length(name) > MAX_NAME_BYTES)
    return `it has more than ${MAX_NAME_BYTES} bytes`;
  if (name === '.' || name === '..') return 'URLs take it for a folder';
  if (!NAME.test(name)) return 'a name has letters, digits, and . _ ~ : @ - (chat:room-1)';
  if (name.normalize('NFC') !== name) return 'it is not in Unicode normalization form C';
  return undefined;
}

/** Bytes of text in UTF-8; a lone surrogate counts three, as the U+FFFD that encoders put in its place. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    bytes += code < 0x800 ? 1 : 2;
    // Two code units of a pair are four bytes.
    if ((code & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) at++;
  }
  return bytes;
}
