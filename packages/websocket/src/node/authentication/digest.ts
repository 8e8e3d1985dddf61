import { randomBytes } from 'node:crypto';
import { UsageError } from '../../connection/errors.ts';
import { type DigestClaim, readDigestClaim } from '../../handshake/credentials.ts';
import { type DigestHashName, digestResponse, quote, readDigestAlgorithm } from '../../handshake/digest.ts';
import { checkOptionNames, checkWhole } from '../connection-limits.ts';
import { digestHash, toBytes } from '../digest-hash.ts';
import type { OpeningRequest } from '../opening.ts';
import { credentialsOf } from './authorization.ts';
import { DigestNonces } from './digest-nonces.ts';
import { type AuthenticationMethod, type Proof, type Unproven, checkFunction, checkParameter } from './method.ts';
import { secretsEqual } from './secrets-equal.ts';

/** Somebody who may come in, and what {@link digest} checks that with. */
export interface DigestAccount<User> {
  readonly user: User;
  /** The password as it is; or, in its place, `secrets`. */
  readonly password?: string;
  /**
   * For each algorithm the hash of `username:realm:password` in hexadecimal digits, which is all that Digest needs. It is
   * as good as the password for this realm: keep it as one.
   */
  readonly secrets?: { readonly [algorithm in DigestHashName]?: string };
}

/** What {@link digest} is made with. */
export interface DigestOptions<User> {
  /** What the password is for; browsers show it. */
  readonly realm: string;
  /** The account of this name, or undefined where there is none. */
  account(
    username: string,
    request: OpeningRequest,
  ): DigestAccount<User> | undefined | Promise<DigestAccount<User> | undefined>;
  /** Offered in this order. `MD5` is for clients that know nothing better. Default `['SHA-256']`. */
  readonly algorithms?: readonly DigestHashName[];
  /** How long a nonce may be used, in milliseconds. Default 300,000. */
  readonly nonceLifetime?: number;
}

const NAMES: ReadonlySet<string> = new Set(['realm', 'account', 'algorithms', 'nonceLifetime']);

/**
 * A name and a password that nobody on the way can read (RFC 7616), with the quality `auth`: nonces are this process's
 * own, and no request is accepted twice. A client of several servers is asked again by each.
 * @throws {UsageError} `PB_OPTION_INVALID`
 */
export function digest<User>(options: DigestOptions<User>): AuthenticationMethod<User> {
  return new DigestMethod(options);
}

class DigestMethod<User> implements AuthenticationMethod<User> {
  readonly #options: DigestOptions<User>;
  /** As it stands in headers: quoted text of bytes. */
  readonly #realm: string;
  readonly #algorithms: readonly DigestHashName[];
  readonly #nonces: DigestNonces;
  /** Stands in for the secret of a name that nobody has, so that it takes as long to refuse. */
  readonly #nobody: string = randomBytes(32).toString('hex');

  constructor(options: DigestOptions<User>) {
    checkOptionNames(options, NAMES, ['account']);
    const { realm, account, algorithms = ['SHA-256'], nonceLifetime = 300_000 } = options;
    checkFunction('account', account);
    checkWhole({ nonceLifetime }, 'nonceLifetime', 1000, 2 ** 31);
    this.#options = options;
    this.#realm = checkParameter('realm', realm);
    this.#algorithms = checkAlgorithms(algorithms);
    this.#nonces = new DigestNonces(nonceLifetime);
  }

  challenges(why: Unproven): readonly string[] {
    const rest = why === 'stale' ? ', charset=UTF-8, stale=true' : ', charset=UTF-8';
    return this.#algorithms.map(
      (name) =>
        `Digest realm=${quote(this.#realm)}, qop="auth", algorithm=${name}, nonce="${this.#nonces.make()}"${rest}`,
    );
  }

  async prove(request: OpeningRequest): Promise<Proof<User>> {
    const credentials = credentialsOf(request, 'digest');
    if (credentials === undefined) return 'missing';
    const claim = readDigestClaim(credentials);
    if (claim === undefined || !this.#isForUs(claim, request)) return 'wrong';
    const account = await this.#options.account(Buffer.from(claim.username, 'latin1').toString(), request);
    const { method = 'GET' } = request.request;
    const expected = digestResponse(digestHash, claim.hash, this.#secretOf(account, claim), { ...claim, method });
    if (!secretsEqual(claim.response, expected) || account === undefined || account === null) return 'wrong';
    // Only now: that a nonce is stale says that the password was right (RFC 7616 §3.3).
    const { nonce, nc } = claim;
    if (!this.#nonces.isFresh(nonce) || !this.#nonces.use(nonce, Number.parseInt(nc, 16))) return 'stale';
    return { user: account.user };
  }

  /** What it was made for is this request (RFC 7616 §3.4.6). */
  #isForUs({ realm, uri, hash }: DigestClaim, { request }: OpeningRequest): boolean {
    return realm === this.#realm && uri === request.url && this.#algorithms.includes(hash);
  }

  #secretOf(account: DigestAccount<User> | undefined, { username, realm, hash }: DigestClaim): string {
    const secret = account?.secrets?.[hash];
    if (secret !== undefined) return secret.toLowerCase();
    return digestHash(hash, `${username}:${realm}:${toBytes(account?.password ?? this.#nobody)}`);
  }
}

/** @throws UsageError `PB_OPTION_INVALID` */
function checkAlgorithms(names: readonly DigestHashName[]): readonly DigestHashName[] {
  const isKnown = (name: DigestHashName): boolean => readDigestAlgorithm(name)?.hash === name;
  if (Array.isArray(names) && names.length > 0 && names.every(isKnown)) return names;
  throw new UsageError('PB_OPTION_INVALID', "`algorithms` lists some of 'SHA-256', 'SHA-512-256' and 'MD5'");
}
