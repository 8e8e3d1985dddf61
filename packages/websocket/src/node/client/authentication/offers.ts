import { randomBytes } from 'node:crypto';
import { type Challenge, parseChallenges } from '../../../handshake/challenges.ts';
import {
  DIGEST_STRENGTH,
  type DigestChallenge,
  DigestSession,
  readDigestChallenge,
} from '../../../handshake/digest.ts';
import { digestHash, toBytes } from '../../digest-hash.ts';
import { basicValue, checkCredentials, type Credentials } from './credentials.ts';

/** A challenge that a name and a password can answer. */
export interface Offer {
  readonly realm: string;
  /** Undefined for Basic. */
  readonly digest: DigestChallenge | undefined;
  readonly strength: number;
}

/** Those of the challenges, the strongest first (RFC 7616 §3.7). */
export function readOffers(challenges: readonly Challenge[]): Offer[] {
  const offers = challenges.map(readOffer).filter((offer) => offer !== undefined);
  return offers.sort((a, b) => b.strength - a.strength);
}

function readOffer(challenge: Challenge): Offer | undefined {
  if (challenge.scheme === 'basic') {
    return { realm: challenge.parameters.get('realm') ?? '', digest: undefined, strength: 0 };
  }
  const digest = challenge.scheme === 'digest' ? readDigestChallenge(challenge) : undefined;
  return digest === undefined ? undefined : { realm: digest.realm, digest, strength: DIGEST_STRENGTH[digest.hash] };
}

/** Answers a Digest, with a name and a password as UTF-8 (RFC 7616 §4). */
export function beginDigest(challenge: DigestChallenge, { username, password }: Credentials): DigestSession {
  const bytes = { username: toBytes(username), password: toBytes(password) };
  return new DigestSession(digestHash, challenge, bytes, randomBytes(16).toString('hex'));
}

/**
 * The value of Authorization, or Proxy-Authorization, for a request that was answered with 401 or 407: for ordinary
 * requests that go the way that `connect` goes, as {@link findProxy} says it. The strongest Digest that is asked for,
 * else Basic.
 *
 * @param challenges the values of WWW-Authenticate, or Proxy-Authenticate
 * @param request its method and its request-target
 * @returns undefined where a name and a password answer none of them
 * @throws UsageError `PB_OPTION_INVALID` for credentials that cannot be
 */
export function answerChallenges(
  challenges: readonly string[],
  credentials: Pick<Credentials, 'username' | 'password'>,
  request: { readonly method: string; readonly uri: string },
): string | undefined {
  checkCredentials(credentials);
  const [best] = readOffers(parseChallenges(challenges));
  if (best === undefined) return undefined;
  if (best.digest === undefined) return basicValue(credentials);
  return beginDigest(best.digest, credentials).authorize(request.method, request.uri);
}
