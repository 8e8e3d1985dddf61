import { createHash, randomBytes, randomInt } from 'node:crypto';

/*
 * A key is `pb_ID_SECRET`. The id is public and finds the record; the secret is 256 random bits. That is why one
 * SHA-256 of it is enough: slow hashes (scrypt, argon2) make up for secrets that people choose, and nobody can try
 * 2^256 of these; but every request that brings a key would pay for one.
 */

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 8;
const SECRET_BYTES = 32;
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

/** The SHA-256 of a secret: 32 bytes. */
export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** A secret as records have it: `printf %s SECRET | sha256sum` says the same. */
export function hashOf(secret: string): string {
  return `sha256:${digestOf(secret).toString('hex')}`;
}
