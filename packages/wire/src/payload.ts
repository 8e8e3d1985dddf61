import { WireError } from './errors.ts';
import { checkJsonDepth } from './json-depth.ts';
import { printable, quote } from './quote.ts';

/** What a payload is: JSON and text are kept as text, everything else as bytes. */
export type PayloadKind = 'json' | 'text' | 'binary';

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';
export const BINARY_TYPE = 'application/octet-stream';

/** What curl says of a body when nobody has told it anything. */
const FORM_TYPE = 'application/x-www-form-urlencoded';
const LONGEST = 200;

/** RFC 6838 §4.2. */
const ESSENCE = /^[a-z\d][\w!#$&^.+-]*\/[a-z\d][\w!#$&^.+-]*/i;
/** RFC 9110 §5.6.6: there may be nothing behind a semicolon. */
const PARAMETER = /[ \t]*;[ \t]*(?:([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[\t !#-[\]-~]|\\[\t -~])*)"))?/y;

/** A content type as publications carry it, and the kind that follows from it. */
export interface PayloadType {
  readonly kind: PayloadKind;
  readonly contentType: string;
}

/**
 * What a body is by its Content-Type: `application/json` and `+json` are JSON, `text/*` is text, so is the form type
 * that curl sends unasked; the rest is binary. What is returned may stand in a header field: it is printable ASCII.
 * @param value of Content-Type; where there is none, the caller looks at the bytes
 * @throws {WireError} `PB_MEDIA_TYPE` where it cannot be read, `PB_PAYLOAD_CHARSET` for text that is not UTF-8
 */
export function parsePayloadType(value: string): PayloadType {
  const essence = value.length > LONGEST ? undefined : ESSENCE.exec(value)?.[0];
  const charsets = essence === undefined ? undefined : readCharsets(value, essence.length);
  if (essence === undefined || charsets === undefined) {
    throw new WireError('PB_MEDIA_TYPE', `Content-Type is ${quote(value)}: give one such as ${JSON_TYPE}`);
  }
  const type = essence.toLowerCase();
  const isJson = type === JSON_TYPE || type.endsWith('+json');
  const isText = type.startsWith('text/') || type === FORM_TYPE;
  if (!isJson && !isText) return { kind: 'binary', contentType: value };
  const other = charsets.find((charset) => !/^(?:utf-?8|us-ascii)$/i.test(charset));
  if (other !== undefined) {
    throw new WireError('PB_PAYLOAD_CHARSET', `Content-Type says charset ${quote(other)}: publish text in UTF-8`);
  }
  if (type === FORM_TYPE) return { kind: 'text', contentType: TEXT_TYPE };
  return { kind: isJson ? 'json' : 'text', contentType: value };
}

/** The values of the parameter charset: readers differ in which of several they take. Undefined: a parameter is wrong. */
function readCharsets(value: string, from: number): string[] | undefined {
  const charsets: string[] = [];
  const rest = value.replace(/[ \t]+$/, '');
  let at = from;
  while (at < rest.length) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(rest);
    if (match === null) return undefined;
    const [whole, name, token, quoted] = match;
    if (name?.toLowerCase() === 'charset') charsets.push(token ?? quoted!.replace(/\\(.)/g, '$1'));
    at += whole.length;
  }
  return charsets;
}

/**
 * Checks that text is one JSON value, at most 32 levels deep.
 * @throws {WireError} `PB_PAYLOAD_INVALID`, `PB_MESSAGE_DEPTH`
 */
export function checkJsonPayload(text: string): void {
  checkJsonDepth(text);
  try {
    JSON.parse(text);
  } catch (error) {
    throw new WireError('PB_PAYLOAD_INVALID', `the payload is not JSON (${printable((error as Error).message)})`);
  }
}

/**
 * Checks that no number of a JSON value, at most 32 levels deep, was beyond the range of a double: written again, such a
 * one (1e400) would be null.
 * @throws {WireError} `PB_PAYLOAD_INVALID`
 */
export function checkNumbers(value: unknown): void {
  if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) checkNumbers(item);
  } else if (value === Infinity || value === -Infinity) {
    const remedy = 'publish it as text, or by POST to the channel';
    throw new WireError('PB_PAYLOAD_INVALID', `data has a number that is too large for a double: ${remedy}`);
  }
}

/**
 * Checks that text is base64 with its padding (RFC 4648 §4).
 * @throws {WireError} `PB_PAYLOAD_INVALID`
 */
export function checkBase64(text: string): void {
  if (text.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(text)) return;
  throw new WireError(
    'PB_PAYLOAD_INVALID',
    `data is ${quote(text)}: give base64 with its padding (RFC 4648 section 4)`,
  );
}
