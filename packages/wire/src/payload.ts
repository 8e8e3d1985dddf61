import { WireError } from './errors.ts';
import { checkJsonDepth } from './json-depth.ts';
import { quote } from './quote.ts';

/** What a payload is: JSON and text are kept as text, everything else as bytes. */
export type PayloadKind = 'json' | 'text' | 'binary';

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';
export const BINARY_TYPE = 'application/octet-stream';

/** What curl says of a body when nobody has told it anything. */
const FORM_TYPE = 'application/x-www-form-urlencoded';
const TYPE = /^([\w!#$&^.+-]+\/[\w!#$&^.+-]+)\s*((?:;\s*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[^"\\\r\n]*")\s*)*)$/;
const CHARSET = /;\s*charset="?([^";\s]+)"?/i;
const LONGEST = 200;

/** A content type as publications carry it, and the kind that follows from it. */
export interface PayloadType {
  readonly kind: PayloadKind;
  readonly contentType: string;
}

/**
 * What a body is by its Content-Type: `application/json` and `+json` are JSON, `text/*` is text, so is the form type
 * that curl sends unasked; the rest is binary.
 * @param value of Content-Type; undefined where there is none: the caller looks at the bytes
 * @throws {WireError} `PB_MEDIA_TYPE` where it cannot be read, `PB_PAYLOAD_CHARSET` for text that is not UTF-8
 */
export function parsePayloadType(value: string): PayloadType {
  const match = value.length > LONGEST ? null : TYPE.exec(value);
  if (match === null)
    throw new WireError('PB_MEDIA_TYPE', `Content-Type is ${quote(value)}: give one such as ${JSON_TYPE}`);
  const essence = match[1]!.toLowerCase();
  const isJson = essence === JSON_TYPE || essence.endsWith('+json');
  const isText = essence.startsWith('text/') || essence === FORM_TYPE;
  if (!isJson && !isText) return { kind: 'binary', contentType: value };
  const charset = CHARSET.exec(match[2]!)?.[1] ?? 'utf-8';
  if (!/^(utf-?8|us-ascii)$/i.test(charset)) {
    throw new WireError('PB_PAYLOAD_CHARSET', `Content-Type says charset ${quote(charset)}: publish text in UTF-8`);
  }
  if (essence === FORM_TYPE) return { kind: 'text', contentType: TEXT_TYPE };
  return { kind: isJson ? 'json' : 'text', contentType: value };
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
    throw new WireError('PB_PAYLOAD_INVALID', `the payload is not JSON (${(error as Error).message.slice(0, 120)})`);
  }
}
