import assert from 'node:assert/strict';
import { parseExtensions, serializeExtensions } from '#dist/handshake/index.js';
import {
  acceptDeflateAnswer,
  type DeflateAnswer,
  type DeflateParameters,
  type DeflateWishes,
  type GrantTakeover,
  negotiateDeflate,
  offerDeflate,
} from '#dist/protocol/permessage-deflate.js';

export const WISHES: DeflateWishes = { takeover: false, serverMaxWindowBits: 15, clientMaxWindowBits: 15 };

export const granted: GrantTakeover = () => true;
export const refused: GrantTakeover = () => false;

function parse(header: string) {
  const elements = parseExtensions(header);
  assert.ok(elements !== undefined, `not a header: ${header}`);
  return elements;
}

export interface Agreed {
  readonly parameters: DeflateParameters;
  /** The element of the answer as it goes over the wire. */
  readonly answer: string;
}

/** What a server answers to a Sec-WebSocket-Extensions header; undefined: no compression. */
export function answerTo(
  header: string,
  wishes: Partial<DeflateWishes> = {},
  grant: GrantTakeover = granted,
): Agreed | undefined {
  const agreement = negotiateDeflate(parse(header), { ...WISHES, ...wishes }, grant);
  if (agreement === undefined) return undefined;
  return { parameters: agreement.parameters, answer: serializeExtensions([agreement.answer]) };
}

/** What a client offers, as it goes over the wire. */
export function offerOf(wishes: Partial<DeflateWishes> = {}, grant: GrantTakeover = granted): string {
  return serializeExtensions([offerDeflate({ ...WISHES, ...wishes }, grant).offer]);
}

/** What a client that offered one header makes of the answer in another. */
export function accept(answer: string, offer: string = offerOf()): DeflateAnswer {
  return acceptDeflateAnswer(parse(answer)[0]!, parse(offer)[0]!);
}

/** Values that are no "decimal integer without leading zeroes between 8 to 15" (RFC 7692 §7.1.2). */
export const INVALID_WINDOW_BITS: readonly string[] =
  '7 16 0 00 08 09 015 1 80 150 -8 +8 8.0 1e1 0x9 eight 9- "7" "08" "0x9" 9_ 12345678901234567890'.split(' ');
