import type { Challenge } from './challenges.ts';
import { equalsIgnoringCase, splitList } from './tokens.ts';

/*
 * Digest (RFC 7616). Strings here are strings of bytes: each character is a byte, as in received fields, so that a realm
 * is hashed as it came. Whoever has text encodes it before (as UTF-8, §4).
 */

export type DigestHashName = 'MD5' | 'SHA-256' | 'SHA-512-256';

/** The hash of a string of bytes, in lower-case hexadecimal digits. */
export type DigestHash = (name: DigestHashName, bytes: string) => string;

/** A challenge that can be answered. */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly hash: DigestHashName;
  /** `-sess`: what the password is hashed with lasts as long as the session (§3.4.2). */
  readonly isSession: boolean;
  /** As it was written; to be sent back. */
  readonly algorithm: string | undefined;
  /** The server would have the name hashed, too (§3.4.4). */
  readonly userhash: boolean;
  /** The credentials were right, but the nonce is too old (§3.3). */
  readonly stale: boolean;
}

/** Strings of bytes. */
export interface DigestCredentials {
  readonly username: string;
  readonly password: string;
}

const ALGORITHM = /^(MD5|SHA-256|SHA-512-256)(-sess)?$/i;

/** @returns undefined where it is none of RFC 7616; without a name, it is MD5 (§3.3) */
export function readDigestAlgorithm(
  name: string | undefined,
): { readonly hash: DigestHashName; readonly isSession: boolean } | undefined {
  const match = ALGORITHM.exec(name ?? 'MD5');
  if (match === null) return undefined;
  return { hash: match[1]!.toUpperCase() as DigestHashName, isSession: match[2] !== undefined };
}

/** Stronger is greater. */
export const DIGEST_STRENGTH: Readonly<Record<DigestHashName, number>> = { MD5: 1, 'SHA-256': 2, 'SHA-512-256': 3 };

/**
 * Reads a challenge of the scheme Digest.
 * @returns undefined where it lacks what it must have, wants another algorithm, or another quality than `auth`
 */
export function readDigestChallenge({ parameters }: Challenge): DigestChallenge | undefined {
  const [realm, nonce, opaque] = [parameters.get('realm'), parameters.get('nonce'), parameters.get('opaque')];
  const algorithm = parameters.get('algorithm');
  const known = readDigestAlgorithm(algorithm);
  if (realm === undefined || nonce === undefined || known === undefined) return undefined;
  const qualities = splitList(parameters.get('qop') ?? '');
  if (!qualities.some((quality) => equalsIgnoringCase(quality, 'auth'))) return undefined;
  const isTrue = (name: string): boolean => equalsIgnoringCase(parameters.get(name) ?? '', 'true');
  return {
    realm,
    nonce,
    opaque,
    ...known,
    algorithm,
    userhash: isTrue('userhash'),
    stale: isTrue('stale'),
  };
}

/** What a response is computed over, beside the secret (RFC 7616 §3.4.1), with the quality `auth`. */
export interface DigestRequest {
  readonly nonce: string;
  /** Eight hexadecimal digits. */
  readonly nc: string;
  readonly cnonce: string;
  readonly method: string;
  readonly uri: string;
}

/** @param secret the hash of `username:realm:password`, which RFC 7616 §3.4.2 calls A1 */
export function digestResponse(
  hash: DigestHash,
  name: DigestHashName,
  secret: string,
  { nonce, nc, cnonce, method, uri }: DigestRequest,
): string {
  return hash(name, `${secret}:${nonce}:${nc}:${cnonce}:auth:${hash(name, `${method}:${uri}`)}`);
}

/** What is missing where {@link readDigestChallenge} reads nothing, for an error. */
export function describeDigestFault({ parameters }: Challenge): string {
  const [algorithm, qop] = [parameters.get('algorithm'), parameters.get('qop')];
  if (!parameters.has('realm') || !parameters.has('nonce')) return 'it lacks realm or nonce';
  if (readDigestAlgorithm(algorithm) === undefined) return `it wants the algorithm ${algorithm}`;
  return `it offers qop="${qop ?? ''}", and only auth is spoken`;
}

/** Answers to one challenge: each request that is made with it counts its nonce up (RFC 7616 §3.4). */
export class DigestSession {
  readonly challenge: DigestChallenge;
  private readonly hash: DigestHash;
  private readonly cnonce: string;
  private readonly user: string;
  private readonly secret: string;
  private nonce: string;
  private count = 0;
  private latest: DigestRequest | undefined;

  /** @param cnonce random, of hexadecimal digits; the same for the whole session, which `-sess` is bound to */
  constructor(hash: DigestHash, challenge: DigestChallenge, credentials: DigestCredentials, cnonce: string) {
    const { realm, nonce, hash: name, isSession, userhash } = challenge;
    const { username, password } = credentials;
    const secret = hash(name, `${username}:${realm}:${password}`);
    this.hash = hash;
    this.challenge = challenge;
    this.cnonce = cnonce;
    this.nonce = nonce;
    this.user = userhash ? `username="${hash(name, `${username}:${realm}`)}"` : userParameter(username);
    this.secret = isSession ? hash(name, `${secret}:${nonce}:${cnonce}`) : secret;
  }

  /** The value of Authorization or Proxy-Authorization for a request with this request-target. */
  authorize(method: string, uri: string): string {
    const { challenge, hash, cnonce, nonce } = this;
    const { realm, opaque, algorithm, hash: name, userhash } = challenge;
    const count = (++this.count).toString(16).padStart(8, '0');
    this.latest = { nonce, nc: count, cnonce, method, uri };
    const response = digestResponse(hash, name, this.secret, this.latest);
    return [
      `Digest ${this.user}`,
      `realm=${quote(realm)}`,
      `uri=${quote(uri)}`,
      ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
      `nonce=${quote(nonce)}`,
      `nc=${count}`,
      `cnonce="${cnonce}"`,
      'qop=auth',
      `response="${response}"`,
      ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
      ...(userhash ? ['userhash=true'] : []),
    ].join(', ');
  }

  /** The request that {@link authorize} was called for last. */
  get lastRequest(): DigestRequest | undefined {
    return this.latest;
  }

  /**
   * Whether Authentication-Info proves that the server knows the password as well (RFC 7616 §3.5), for a request; true
   * also where it has no proof, which a server may leave out.
   */
  isProven(info: ReadonlyMap<string, string>, request: DigestRequest): boolean {
    const proof = info.get('rspauth');
    if (proof === undefined) return true;
    // Of the answer there is no method, and of our request what it was about.
    const isAbout = (name: string, value: string): boolean => equalsIgnoringCase(info.get(name) ?? value, value);
    const isOurs = isAbout('qop', 'auth') && isAbout('nc', request.nc);
    if (!isOurs || (info.get('cnonce') ?? request.cnonce) !== request.cnonce) return false;
    const { hash, challenge, secret } = this;
    return proof.toLowerCase() === digestResponse(hash, challenge.hash, secret, { ...request, method: '' });
  }

  /** The server said which nonce it wants next (§3.5). */
  useNextNonce(nonce: string): void {
    this.nonce = nonce;
    this.count = 0;
  }
}

/** Names of more than visible ASCII go into the extended form (RFC 7616 §3.4, RFC 8187). */
function userParameter(username: string): string {
  if (/^[\x20-\x7e]*$/.test(username)) return `username=${quote(username)}`;
  const encoded = username.replaceAll(
    /[^\w.~!$&+^`|#-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return `username*=UTF-8''${encoded}`;
}

/** A quoted-string (RFC 9110 §5.6.4). */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
