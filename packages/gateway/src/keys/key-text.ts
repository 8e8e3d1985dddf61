import { createHash, randomBytes, randomInt } from 'node:crypto';

/*
 * A key is `pb_ID_SECRET`. The id is public and finds the record; the secret is 256 random bits. That is why one
 * SHA-256 of it is enough: slow hashes (scrypt, argon2) make up for secrets that people choose, and nobody can try
 * 2^256 of these; but every request that brings a key would pay for one.
 */

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 8;
const SECRET_BYTES = 32;
const ID_START = 'pb_'.length;
const SECRET_START = ID_START + ID_LENGTH + 1;
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

/** What a key says, as it is checked. */
export interface PresentedKey {
  /** See {@link idNumber}. */
  readonly number: number;
  readonly secret: string;
}

/** Reads a key that is to be checked, in a time that does not depend on what it says; undefined where it is none. */
export function readKey(text: string): PresentedKey | undefined {
  return KEY.test(text) ? { number: idNumber(text, ID_START), secret: text.slice(SECRET_START) } : undefined;
}

/**
 * The id that stands at `start`, as a whole number below 2^48. V8 keeps one copy of each string that it has looked up in a
 * map, and takes longer over one that it sees for the first time: by which a stranger could tell the ids that are there.
 */
export function idNumber(text: string, start = 0): number {
  let number = 0;
  for (let at = start; at < start + ID_LENGTH; at++) number = number * ID_LETTERS.length + DIGITS[text.charCodeAt(at)]!;
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
