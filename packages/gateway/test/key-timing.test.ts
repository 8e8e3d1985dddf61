// How long a wrong key takes says nothing about the right one: neither how much of its secret was right, nor whether its id
// is there. What a difference would look like is shown by a check that has one.
import assert from 'node:assert/strict';
import crypto, { randomBytes, randomInt } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, it } from 'node:test';
import { KeyRing } from '#dist/keys/key-ring.js';
import { digestOf, generateKey, hashOf, parseKey } from '#dist/keys/key-text.js';

const PAIRS = 500;
/** Checks that are timed at once: one takes about as long as to read the clock. */
const BATCH = 16;
/** A difference: so much of the time of a check, and so many standard errors from what chance would give. */
const LEAST_SHARE = 0.15;
const LEAST_SCORE = 6;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const right = generateKey();
const keys = new KeyRing({
  configured: [{ id: right.id, hash: hashOf(right.secret), rights: ['admin'], channels: ['*'] }],
});

type Check = (text: string) => unknown;
type Guess = () => string;

/** All guesses are made in the same way: strings that were put together in different ones take different time to read. */
const keyText = (id: string, secret: string): string => Buffer.from(`pb_${id}_${secret}`).toString('latin1');
const otherThan = (character: string): string => {
  const other = ALPHABET[randomInt(ALPHABET.length)]!;
  return other === character ? otherThan(character) : other;
};

/** Wrong from its first character on. */
const farOff: Guess = () => {
  const secret = randomBytes(32).toString('base64url');
  return keyText(right.id, otherThan(right.secret[0]!) + secret.slice(1));
};
/** Wrong in its last character alone. */
const nearlyRight: Guess = () => keyText(right.id, right.secret.slice(0, -1) + otherThan(right.secret.at(-1)!));
const ofUnknownId: Guess = () => keyText(generateKey().id, right.secret);

function timeOf(check: Check, texts: readonly string[]): number {
  const start = process.hrtime.bigint();
  for (const text of texts) check(text);
  return Number(process.hrtime.bigint() - start) / texts.length;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

interface Difference {
  /** By how much of the time of a check the second kind takes longer: the median of pairs, taken one right after the other. */
  readonly share: number;
  /** How far from chance it is which of a pair took longer (the sign test): about normally distributed where nothing is. */
  readonly score: number;
}

/** What disturbs this machine disturbs both of a pair, or either as likely; medians and signs do not care by how much. */
function compare(check: Check, first: Guess, second: Guess): Difference {
  const times: number[] = [];
  const differences: number[] = [];
  for (let pair = -PAIRS / 10; pair < PAIRS; pair++) {
    const a: string[] = [];
    const b: string[] = [];
    for (let i = 0; i < BATCH; i++) {
      a.push(first());
      b.push(second());
    }
    const isTurned = pair % 2 === 0;
    const early = timeOf(check, isTurned ? b : a);
    const late = timeOf(check, isTurned ? a : b);
    // The first ones are for the compiler.
    if (pair < 0) continue;
    times.push(early, late);
    differences.push(isTurned ? early - late : late - early);
  }
  const longer = differences.filter((difference) => difference > 0).length;
  return { share: median(differences) / median(times), score: (2 * longer - PAIRS) / Math.sqrt(PAIRS) };
}

const isTold = ({ share, score }: Difference): boolean =>
  Math.abs(share) > LEAST_SHARE && Math.abs(score) > LEAST_SCORE && share > 0 === score > 0;

const shown = ({ share, score }: Difference): string => `${(100 * share).toFixed(1)} %, score ${score.toFixed(1)}`;

describe('the time that a wrong key takes', () => {
  it('does not tell how much of its secret is right', (t) => {
    const difference = compare((text) => keys.check(text), farOff, nearlyRight);
    t.diagnostic(shown(difference));
    assert(!isTold(difference), shown(difference));
  });

  it('does not tell whether its id is there', (t) => {
    const difference = compare((text) => keys.check(text), ofUnknownId, farOff);
    t.diagnostic(shown(difference));
    assert(!isTold(difference), shown(difference));
  });

  it('would tell it where secrets were compared character by character', (t) => {
    const difference = compare(checkUntilWrong, farOff, nearlyRight);
    t.diagnostic(shown(difference));
    assert(isTold(difference) && difference.share > 0, shown(difference));
  });

  it('would tell it where nothing was compared for an id that is not there', (t) => {
    const difference = compare(checkKnownAlone, ofUnknownId, farOff);
    t.diagnostic(shown(difference));
    assert(isTold(difference) && difference.share > 0, shown(difference));
  });
});

/** How much slower than the naive one the canary's comparison is: one of single characters takes nanoseconds. */
const AMPLIFIED = 100;

/** A canary: it digests as the ring does, and then stops at the first character that differs. */
function checkUntilWrong(text: string): boolean {
  const { secret } = parseKey(text)!;
  let isSame = digestOf(secret).length === 32;
  for (let at = 0; isSame && at < secret.length; at++) {
    for (let again = 0; again < AMPLIFIED; again++) isSame &&= secret.charCodeAt(at) === right.secret.charCodeAt(at);
  }
  return isSame;
}

/** A canary: it digests no secret of an id that is not there. */
function checkKnownAlone(text: string): boolean {
  const { id, secret } = parseKey(text)!;
  return id === right.id && digestOf(secret).equals(digestOf(right.secret));
}

it('every check compares two digests, once and in constant time', (t) => {
  const { timingSafeEqual } = crypto;
  const compared: number[] = [];
  crypto.timingSafeEqual = (a, b) => {
    compared.push(a.byteLength, b.byteLength);
    return timingSafeEqual(a, b);
  };
  syncBuiltinESMExports();
  t.after(() => {
    crypto.timingSafeEqual = timingSafeEqual;
    syncBuiltinESMExports();
  });
  for (const text of [right.text, farOff(), nearlyRight(), ofUnknownId(), 'no key at all', '']) {
    compared.length = 0;
    keys.check(text);
    assert.deepEqual(compared, [32, 32], text);
  }
});
