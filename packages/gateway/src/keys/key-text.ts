import { createHash, randomBytes, randomInt } from 'node:crypto';

/*
 * A key is `pb_ID_SECRET`. The id is public and finds the record; the secret is 256 random bits. That is why one
 * SHA-256 of it is enough: slow hashes (scrypt, argon2) make up for secrets that people choose, and nobody can try
 * 2^256 of these; but every request that brings a key would pay for one.
 */

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 8;
const SECRET_BYTES = 32;
/** The value of each letter, by its code. */
const DIGITS = Array.from({ length: 128 }, (_, code) => ID_LETTERS.indexOf(String.fromCharCode(code)));
const KEY = /^pb_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})$/;

/** A key, taken apart. */
export interface KeyText {
  readonly id: string;
  readonly secret: string;
}

/** What keys look like, for messages. */
export const KEY_FORM = 'pb_, 8 letters and digits, _, and 43 letters, digits, - and _';

/** A new key. */
export function generateKey(): KeyText & { readonly text: string } {
  const id = Array.from({ length: ID_LENGTH }, () => ID_LETTERS[randomInt(ID_LETTERS.length)]).join('');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, secret, text: `pb_${id}_${secret}` };
}

/** Takes a key apart; undefined where it is none. */
export function parseKey(text: string): KeyText | undefined {
  const match = KEY.exec(text);
  return match === null ? undefined : { id: match[1]!, secret: match[2]! };
}

/**
 * An id as a whole number below 2^48. V8 keeps one copy of each string that it has looked up in a map, and takes longer
 * over one that it sees for the first time: by which a stranger could tell the ids that are there.
 */
export function idNumber(id: string): number {
  let number = 0;
  for (let at = 0; at < ID_LENGTH; at++) number = number * ID_LETTERS.length + DIGITS[id.charCodeAt(at)]!;
  return number;
}

/** The SHA-256 of a secret: 32 bytes. */
export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** A secret as records have it: `printf %s SECRET | sha256sum` says the same. */
export function hashOf(secret: string): string {
  return `sha256:${digestOf(secret).toString('hex')}`;
}
