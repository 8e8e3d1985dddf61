import type { Platform } from '../protocol/platform.ts';
import { type HandshakeFields, LINE_BYTES, noHandshakeFields, scanField } from './header-fields.ts';
import type { HandshakeRequest } from './server-handshake.ts';
import { equalsIgnoringCase, isTokenCode } from './tokens.ts';

/** The head of a request that asks for a WebSocket over HTTP/1.1. */
export interface UpgradeHead extends HandshakeRequest {
  readonly method: 'GET';
  readonly url: string;
  readonly fields: HandshakeFields;
  /** All field lines together, as they are counted for the limit. */
  readonly fieldBytes: number;
  /** How many bytes the head takes. */
  readonly length: number;
}

/** Up to and with its empty line. What browsers send has some 600 bytes, and what cookies add. */
export const MOST_HEAD_BYTES = 4096;
const MOST_FIELDS = 64;

const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const NUMBER_SIGN = 0x23;
const COLON = 0x3a;

const BEGIN = codesOf('GET /');
const VERSION = codesOf(' HTTP/1.1\r\n');

/**
 * Reads what most WebSockets begin with: a whole and plain head (RFC 9112 §2.1), with an Upgrade to websocket alone. It
 * decides on nothing: whatever is unusual in any way, well-formed or not, is left to a whole parser of HTTP, which also
 * knows how it is refused. What is read is what that parser would have read.
 *
 * @param bytes what a connection begins with; more may follow the head
 * @param most bytes of a head; at most {@link MOST_HEAD_BYTES} are looked at
 * @returns undefined where it is to be read by somebody else
 */
export function readUpgradeHead(
  { decodeAscii }: Pick<Platform, 'decodeAscii'>,
  bytes: Uint8Array,
  most: number = MOST_HEAD_BYTES,
): UpgradeHead | undefined {
  const limit = Math.min(bytes.length, most, MOST_HEAD_BYTES);
  if (!standsAt(bytes, 0, limit, BEGIN)) return undefined;
  const targetEnd = skipTarget(bytes, BEGIN.length, limit);
  if (!standsAt(bytes, targetEnd, limit, VERSION)) return undefined;
  const rawHeaders: string[] = [];
  const fields = noHandshakeFields();
  let fieldBytes = 0;
  let at = targetEnd + VERSION.length;
  while (at < limit && bytes[at] !== CR) {
    const nameEnd = skipName(bytes, at, limit);
    if (nameEnd === at || nameEnd >= limit || bytes[nameEnd] !== COLON) return undefined;
    const start = skipBlanks(bytes, nameEnd + 1, limit);
    const end = skipValue(bytes, start, limit);
    if (!isLineEnd(bytes, end, limit) || isBlank(bytes[end - 1]!) || rawHeaders.length === MOST_FIELDS * 2)
      return undefined;
    const name = decodeAscii(bytes, at, nameEnd);
    // Of no bytes it is odd, too, and there are parsers that take no second one.
    if (equalsIgnoringCase(name, 'content-length')) return undefined;
    const value = decodeAscii(bytes, start, end);
    rawHeaders.push(name, value);
    scanField(fields, name, value);
    fieldBytes += name.length + value.length + LINE_BYTES;
    at = end + 2;
  }
  if (!isLineEnd(bytes, at, limit) || !isPlain(fields)) return undefined;
  const url = decodeAscii(bytes, BEGIN.length - 1, targetEnd);
  const version = { httpVersionMajor: 1, httpVersionMinor: 1 };
  return { method: 'GET', url, ...version, rawHeaders, fields, fieldBytes, length: at + 2 };
}

/** Whether it is an Upgrade to websocket and to nothing else, to a host, and without content. */
function isPlain({ host, upgrade, connection, hasContent }: HandshakeFields): boolean {
  if (typeof host !== 'string' || upgrade === undefined || connection === undefined || hasContent) return false;
  if (!equalsIgnoringCase(upgrade, 'websocket')) return false;
  // The second is Firefox.
  return equalsIgnoringCase(connection, 'upgrade') || equalsIgnoringCase(connection, 'keep-alive, upgrade');
}

function codesOf(text: string): readonly number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

function standsAt(bytes: Uint8Array, at: number, limit: number, codes: readonly number[]): boolean {
  if (at + codes.length > limit) return false;
  for (let i = 0; i < codes.length; i++) if (bytes[at + i] !== codes[i]) return false;
  return true;
}

function isLineEnd(bytes: Uint8Array, at: number, limit: number): boolean {
  return at + 1 < limit && bytes[at] === CR && bytes[at + 1] === LF;
}

/** Past visible ASCII but for `#`: a request target has no fragment (RFC 9112 §3.2). */
function skipTarget(bytes: Uint8Array, at: number, limit: number): number {
  let end = at;
  while (end < limit && bytes[end]! > SP && bytes[end]! < 0x7f && bytes[end] !== NUMBER_SIGN) end++;
  return end;
}

function skipName(bytes: Uint8Array, at: number, limit: number): number {
  let end = at;
  while (end < limit && isTokenCode(bytes[end]!)) end++;
  return end;
}

function skipBlanks(bytes: Uint8Array, at: number, limit: number): number {
  let end = at;
  while (end < limit && isBlank(bytes[end]!)) end++;
  return end;
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

/** Past all that may stand in a field's value (RFC 9110 §5.5). */
function skipValue(bytes: Uint8Array, at: number, limit: number): number {
  let end = at;
  while (end < limit && ((bytes[end]! >= SP && bytes[end] !== 0x7f) || bytes[end] === HTAB)) end++;
  return end;
}
