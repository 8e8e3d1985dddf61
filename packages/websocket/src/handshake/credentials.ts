import { parseAuthParameters } from './challenges.ts';
import { type DigestHashName, readDigestAlgorithm } from './digest.ts';
import { equalsIgnoringCase, skipWhitespace, tokenEnd } from './tokens.ts';

/** The value of Authorization (RFC 9110 §11.6.2). */
export interface AuthorizationValue {
  /** In lower case. */
  readonly scheme: string;
  /** What stands behind it: a token68, or parameters. */
  readonly credentials: string;
}

/** @returns undefined where it names no scheme */
export function readAuthorization(value: string): AuthorizationValue | undefined {
  const end = tokenEnd(value, 0);
  const start = skipWhitespace(value, end);
  if (end === 0 || (start === end && start < value.length)) return undefined;
  return { scheme: value.slice(0, end).toLowerCase(), credentials: value.slice(start) };
}

/** What a client says by Digest (RFC 7616 §3.4): strings of bytes, as received. */
export interface DigestClaim {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly nc: string;
  readonly cnonce: string;
  readonly uri: string;
  readonly response: string;
  readonly hash: DigestHashName;
}

const NC = /^[\da-f]{8}$/i;

/**
 * Reads the credentials of Digest with the quality `auth`.
 * @returns undefined where something is missing, doubled, or of another quality, session or algorithm
 */
export function readDigestClaim(credentials: string): DigestClaim | undefined {
  const parameters = parseAuthParameters(credentials);
  if (parameters === undefined) return undefined;
  const value = (name: string): string => parameters.get(name) ?? '';
  const username = readUsername(parameters.get('username'), parameters.get('username*'));
  const algorithm = readDigestAlgorithm(parameters.get('algorithm'));
  if (username === undefined || algorithm === undefined || algorithm.isSession) return undefined;
  if (!equalsIgnoringCase(value('qop'), 'auth') || equalsIgnoringCase(value('userhash'), 'true')) return undefined;
  const claim = {
    username,
    realm: value('realm'),
    nonce: value('nonce'),
    nc: value('nc'),
    cnonce: value('cnonce'),
    uri: value('uri'),
    response: value('response'),
    hash: algorithm.hash,
  };
  return NC.test(claim.nc) && claim.cnonce !== '' ? claim : undefined;
}

/** One of the two, and never both (RFC 7616 §3.4). */
function readUsername(plain: string | undefined, extended: string | undefined): string | undefined {
  if (extended === undefined || plain !== undefined) return extended === undefined ? plain : undefined;
  // RFC 8187 §3.2.1, in the one character set that RFC 7616 §3.4 allows here.
  const match = /^UTF-8'[a-z\d-]*'((?:%[\da-f]{2}|[\w.~!#$&+^`|-])*)$/i.exec(extended);
  return match?.[1]!.replaceAll(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
