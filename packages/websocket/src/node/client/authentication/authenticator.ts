import { type Challenge, parseAuthParameters, parseChallenges } from '../../../handshake/challenges.ts';
import {
  describeDigestFault,
  type DigestRequest,
  DigestSession,
  readDigestChallenge,
} from '../../../handshake/digest.ts';
import type { HeaderFields } from '../../../handshake/header-fields.ts';
import { askApplication, OpeningFailure } from '../opening-failure.ts';
import {
  type AuthenticationContext,
  type AuthenticationScheme,
  basicValue,
  type BearerSource,
  checkAnswerOf,
  checkBearer,
  checkCredentials,
  type Credentials,
  type CredentialsSource,
} from './credentials.ts';
import { beginDigest, type Offer, readOffers } from './offers.ts';
import { type Accepted, recall, remember } from './sessions.ts';

/** Most answers to challenges of one server or proxy, for one connection. */
const MOST_ANSWERS = 4;

/** What there is to answer with. */
export interface AuthenticationSources {
  readonly credentials: Credentials | CredentialsSource | undefined;
  readonly bearer: BearerSource | undefined;
  readonly schemes: readonly AuthenticationScheme[];
}

/** Who asks. */
export interface AuthenticationPlace {
  /** `https://host:port` of the server, or of the proxy. */
  readonly origin: string;
  readonly isProxy: boolean;
  /** Whether nobody on the way can read what is sent. */
  readonly isPrivate: boolean;
}

/** Answers the challenges of one server, or one proxy, on the way to one connection (RFC 9110 §11). */
export class Authenticator {
  private readonly place: AuthenticationPlace;
  private readonly sources: AuthenticationSources;
  private readonly signal: AbortSignal;
  private answers = 0;
  /** What makes the value for the next request; null where nothing is known. */
  private next: Accepted | { readonly once: string } | null = null;
  /** What was given last, and for which realm: the same again would be of no use. */
  private given: { readonly credentials: Credentials; readonly realm: string } | undefined;
  /** What the last request had, if it had something. */
  private sent: string | undefined;
  /** The same request, where it was answered by Digest. Others may use the same session meanwhile. */
  private digested: DigestRequest | undefined;
  private asked = 0;

  constructor(place: AuthenticationPlace, sources: AuthenticationSources, signal: AbortSignal) {
    this.place = place;
    this.sources = sources;
    this.signal = signal;
    const { credentials } = sources;
    if (credentials === undefined) return;
    this.next = recall(credentials, this.key) ?? null;
    const isPreemptive = typeof credentials !== 'function' && credentials.preemptive === true;
    if (this.next === null && isPreemptive) this.next = { basic: basicValue(credentials) };
  }

  /** Nobody has asked so far. */
  get isUnasked(): boolean {
    return this.answers === 0;
  }

  private get key(): string {
    return `${this.place.isProxy ? 'proxy ' : ''}${this.place.origin}`;
  }

  /** The value of the next request's Authorization or Proxy-Authorization; undefined where there is none to send. */
  async authorize(method: string, uri: string): Promise<string | undefined> {
    if (this.next === null && this.sources.bearer !== undefined) {
      this.next = { once: await this.askBearer(this.contextFor('')) };
    }
    return (this.sent = this.valueFor(method, uri));
  }

  private valueFor(method: string, uri: string): string | undefined {
    const { next } = this;
    if (next === null) return undefined;
    if (next instanceof DigestSession) {
      const value = next.authorize(method, uri);
      this.digested = next.lastRequest;
      return value;
    }
    return 'basic' in next ? next.basic : next.once;
  }

  /**
   * The answer was 401 or 407: prepares what the next request is to have.
   * @returns false where there is nothing to answer with
   * @throws OpeningFailure where what was given was not accepted, or nothing of it fits
   */
  async answer(fields: HeaderFields): Promise<boolean> {
    const challenges = parseChallenges(fields.getAll(this.place.isProxy ? 'proxy-authenticate' : 'www-authenticate'));
    const { credentials } = this.sources;
    if (credentials !== undefined) remember(credentials, this.key, undefined);
    if (++this.answers > MOST_ANSWERS) throw this.rejected(challenges);
    const isAnswered =
      (await this.answerWithScheme(challenges)) ||
      (await this.answerWithBearer(challenges)) ||
      (await this.answerWithPassword(challenges));
    if (isAnswered) return true;
    if (this.sent !== undefined) throw this.rejected(challenges);
    return false;
  }

  /**
   * The answer was another one: what was sent is good, and can be sent again (RFC 7616 §3.5: with the next nonce).
   * @throws OpeningFailure where the server would prove that it knows the password, and does not
   */
  accept(fields: HeaderFields): void {
    const { next } = this;
    this.given = undefined;
    if (next instanceof DigestSession && this.sent !== undefined) this.readInfo(next, fields);
    const { credentials } = this.sources;
    if (credentials !== undefined && next !== null && !('once' in next)) remember(credentials, this.key, next);
  }

  private readInfo(session: DigestSession, fields: HeaderFields): void {
    const value = fields.get(this.place.isProxy ? 'proxy-authentication-info' : 'authentication-info');
    const info = value === undefined ? undefined : parseAuthParameters(value);
    if (info === undefined) return;
    if (!session.isProven(info, this.digested!)) {
      throw new OpeningFailure('PB_SERVER_UNPROVEN', { detail: `rspauth of ${this.place.origin}` });
    }
    const nonce = info.get('nextnonce');
    // An empty one could not be counted for.
    if (nonce !== undefined && nonce !== '') session.useNextNonce(nonce);
  }

  private rejected(challenges: readonly Challenge[]): OpeningFailure {
    const { origin, isProxy } = this.place;
    const by = `by ${isProxy ? 'the proxy ' : ''}${origin}`;
    return new OpeningFailure('PB_CREDENTIALS_REJECTED', {
      detail: `${by}, which asks for ${describe(challenges, false)}`,
    });
  }

  private contextFor(realm: string): AuthenticationContext {
    const { origin, isProxy } = this.place;
    return { origin, isProxy, realm, attempt: ++this.asked, signal: this.signal };
  }

  // --- Schemes of the application, and tokens ------------------------------------------------------------------------

  private async answerWithScheme(challenges: readonly Challenge[]): Promise<boolean> {
    for (const own of this.sources.schemes) {
      const challenge = challenges.find(({ scheme }) => scheme === own.scheme.toLowerCase());
      if (challenge === undefined) continue;
      const context = this.contextFor(challenge.parameters.get('realm') ?? '');
      const answer = await askApplication(() => own.respond(challenge, context));
      if (answer === undefined) continue;
      this.next = { once: `${own.scheme} ${checkAnswerOf(own.scheme, answer)}`.trimEnd() };
      return true;
    }
    return false;
  }

  /** A token that was refused may be too old; a fresh one may do. The same again does not. */
  private async answerWithBearer(challenges: readonly Challenge[]): Promise<boolean> {
    const { bearer } = this.sources;
    const challenge = challenges.find(({ scheme }) => scheme === 'bearer');
    if (challenge === undefined || bearer === undefined) return false;
    const value = await this.askBearer(this.contextFor(challenge.parameters.get('realm') ?? ''));
    if (value === this.sent) return false;
    this.next = { once: value };
    return true;
  }

  private async askBearer(context: AuthenticationContext): Promise<string> {
    const bearer = this.sources.bearer!;
    const token = typeof bearer === 'string' ? bearer : await askApplication(() => bearer(context));
    return `Bearer ${checkBearer(token)}`;
  }

  // --- Digest and Basic ----------------------------------------------------------------------------------------------

  /** Answers the strongest challenge that the credentials are for (RFC 7616 §3.7). */
  private async answerWithPassword(challenges: readonly Challenge[]): Promise<boolean> {
    if (this.sources.credentials === undefined) return false;
    const offers = readOffers(challenges);
    const [best] = offers;
    // A nonce that is too old says nothing against the password.
    if (best?.digest?.stale === true && this.given !== undefined) return this.take(best, this.given.credentials);
    const credentials = best === undefined ? undefined : await this.findCredentials(best.realm);
    const offer = credentials === undefined ? undefined : offers.find((each) => this.mayAnswer(each, credentials));
    if (offer !== undefined) return this.take(offer, credentials!);
    if (this.sent !== undefined || (best !== undefined && credentials === undefined)) return false;
    throw new OpeningFailure('PB_CHALLENGE_UNSUPPORTED', { detail: describe(challenges, best !== undefined) });
  }

  /** @returns undefined where there are none, or they were shown for this realm before and not accepted */
  private async findCredentials(realm: string): Promise<Credentials | undefined> {
    const { credentials } = this.sources;
    const given = this.given?.realm === realm ? this.given.credentials : undefined;
    if (typeof credentials !== 'function') return given === undefined ? credentials : undefined;
    const context = this.contextFor(realm);
    const found = await askApplication(() => credentials(context));
    if (found === undefined) return undefined;
    checkCredentials(found);
    return given?.username === found.username && given.password === found.password ? undefined : found;
  }

  /** Basic shows the password to whoever can read along: only where nobody can, or the caller says so (RFC 7617 §4). */
  private mayAnswer({ digest }: Offer, credentials: Credentials): boolean {
    const { schemes, preemptive = false } = credentials;
    if (digest !== undefined) return schemes?.includes('digest') ?? true;
    return schemes?.includes('basic') ?? (this.place.isPrivate || preemptive);
  }

  /** @returns false where the very same was sent before */
  private take({ digest, realm }: Offer, credentials: Credentials): boolean {
    if (digest === undefined) {
      const basic = basicValue(credentials);
      if (basic === this.sent) return false;
      this.next = { basic };
    } else {
      this.next = beginDigest(digest, credentials);
    }
    this.given = { credentials, realm };
    return true;
  }
}

/** What was asked for, and where it is Basic alone that would not do, what to do about it. */
function describe(challenges: readonly Challenge[], isBasicRefused: boolean): string {
  const asked = [...new Set(challenges.map(describeChallenge))].join(', ');
  const hint = 'over ws: Basic shows the password to everybody on the way; use wss:, or credentials.schemes';
  return `${asked === '' ? 'no scheme is named' : asked}${isBasicRefused ? `: ${hint}` : ''}`;
}

/** A Digest that cannot be answered says what it lacks. */
function describeChallenge(challenge: Challenge): string {
  const isStrange = challenge.scheme === 'digest' && readDigestChallenge(challenge) === undefined;
  return isStrange ? `digest (${describeDigestFault(challenge)})` : challenge.scheme;
}
