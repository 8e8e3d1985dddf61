import { HandshakeUsageError } from './usage-error.ts';
import { isSendableValue, isToken } from './tokens.ts';

/**
 * Headers that an application sets: an object whose values may be lists (one field line each), or pairs of name and
 * value, such as a `Headers` object.
 */
export type HeadersInput =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [name: string, value: string]>;

/** Fields that speak of the connection of HTTP/1.1, and that HTTP/2 must not have (RFC 9113 §8.2.2). */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** One field line to be sent. */
export type HeaderLine = readonly [name: string, value: string];

/**
 * The field lines of `input`, each checked, so that no value can end its line (HTTP response splitting).
 *
 * @param reserved names in lower case that are not the application's to set
 * @throws {HandshakeUsageError} `PB_HEADER_NAME_INVALID`, `PB_HEADER_VALUE_INVALID` or `PB_HEADER_RESERVED`
 */
export function readHeadersInput(input: HeadersInput | undefined, reserved: ReadonlySet<string>): HeaderLine[] {
  const lines: HeaderLine[] = [];
  if (input === undefined) return lines;
  const add = (name: string, value: string): void => {
    if (!isToken(name)) throw new HandshakeUsageError('PB_HEADER_NAME_INVALID', name);
    if (reserved.has(name.toLowerCase())) throw new HandshakeUsageError('PB_HEADER_RESERVED', name);
    // Numbers and the like are common in objects of headers, and harmless once they are text.
    const text = String(value);
    if (!isSendableValue(text)) throw new HandshakeUsageError('PB_HEADER_VALUE_INVALID', text, name);
    lines.push([name, text]);
  };
  if (isIterable(input)) {
    for (const [name, value] of input) add(name, value);
    return lines;
  }
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    for (const line of typeof value === 'string' ? [value] : [value].flat()) add(name, line);
  }
  return lines;
}

/** `Name: value` lines, each with its line end. */
export function encodeHeaderLines(lines: Iterable<HeaderLine>): string {
  let text = '';
  for (const [name, value] of lines) text += `${name}: ${value}\r\n`;
  return text;
}

function isIterable(input: HeadersInput): input is Iterable<HeaderLine> {
  return Symbol.iterator in input;
}
