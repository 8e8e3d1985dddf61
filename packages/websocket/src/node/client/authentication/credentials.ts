import { UsageError } from '../../../connection/errors.ts';
import { isSendableValue } from '../../../handshake/tokens.ts';
import type { Challenge } from '../../../handshake/challenges.ts';
import { percentDecode } from '../../percent-decode.ts';

/** A name and a password, for Digest (RFC 7616) and Basic (RFC 7617); sent as UTF-8. */
export interface Credentials {
  /** Without control characters; for Basic also without a colon. */
  readonly username: string;
  readonly password: string;
  /**
   * The schemes that may be answered with them. Default: `digest`, and `basic` where nobody can listen: over TLS, on a
   * Unix socket, or on this machine. To name `basic` allows it over plain `ws:`, where it shows the password.
   */
  readonly schemes?: readonly ('basic' | 'digest')[];
  /** Basic is sent with the first request, unasked (RFC 7617 §2.2), over plain `ws:` as well. Default false. */
  readonly preemptive?: boolean;
}

/** Who asks for credentials, and how often it has asked. */
export interface AuthenticationContext {
  /** Who asks: `https://host:port`, the address of a server or of a proxy. */
  readonly origin: string;
  /** Whether a proxy asks (407), and not the server (401). */
  readonly isProxy: boolean;
  /** What the credentials are for, as the server calls it; empty where it does not say. */
  readonly realm: string;
  /** 1 at first; more where what was given before was not accepted. */
  readonly attempt: number;
  /** Aborts when the connection is given up. */
  readonly signal: AbortSignal;
}

/** Asked where a server or a proxy asks; undefined where there are none. */
export type CredentialsSource = (
  context: AuthenticationContext,
) => Credentials | undefined | Promise<Credentials | undefined>;

/** A bearer token (RFC 6750), or what fetches one: asked at first and, once more, where the token was not accepted. */
export type BearerSource = string | ((context: AuthenticationContext) => string | Promise<string>);

/** A scheme of the application's own: a token that is signed for each challenge, Negotiate, … */
export interface AuthenticationScheme {
  /** As it stands in the challenge; its case does not matter. */
  readonly scheme: string;
  /**
   * Answers a challenge. What it returns goes behind the name of the scheme into Authorization, or Proxy-Authorization;
   * undefined declines. It is asked again, at most four times in all, while the server goes on asking.
   */
  respond(challenge: Challenge, context: AuthenticationContext): string | undefined | Promise<string | undefined>;
}

/** RFC 6750 §2.1. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

const CONTROL = /\p{Cc}/u;

/** @throws UsageError `PB_OPTION_INVALID`; what is wrong is never shown, for it may be the password */
export function checkCredentials(credentials: Credentials): Credentials {
  const { username, password, schemes, preemptive } = credentials;
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw invalid('credentials need a `username` and a `password`, both strings');
  }
  if (CONTROL.test(username) || CONTROL.test(password)) {
    throw invalid('the username or the password of `credentials` has a control character (RFC 7617 §2)');
  }
  const isList = Array.isArray(schemes) && schemes.every((scheme) => scheme === 'basic' || scheme === 'digest');
  if (schemes !== undefined && !isList) throw invalid("`credentials.schemes` lists 'digest', 'basic' or both");
  if (preemptive !== undefined && typeof preemptive !== 'boolean')
    throw invalid('`credentials.preemptive` is a boolean');
  if (preemptive === true && schemes?.includes('basic') === false) {
    throw invalid('`credentials.preemptive` is about Basic, which `credentials.schemes` does not list');
  }
  return credentials;
}

/**
 * What an address has of a name and a password: the caller has chosen to show them, and they are sent at once.
 * @throws UsageError `PB_OPTION_INVALID`
 */
export function userinfoOf({ username, password }: URL): Credentials | undefined {
  if (username === '' && password === '') return undefined;
  return checkCredentials({ username: percentDecode(username), password: percentDecode(password), preemptive: true });
}

/** @throws UsageError `PB_OPTION_INVALID` */
export function checkBearer(token: string): string {
  if (typeof token === 'string' && BEARER_TOKEN.test(token)) return token;
  throw invalid('the bearer token is no token68: letters, digits, -._~+/ and then = (RFC 6750 §2.1)');
}

/** What a scheme of the application answers with. @throws UsageError `PB_OPTION_INVALID` */
export function checkAnswerOf(scheme: string, answer: string): string {
  if (typeof answer === 'string' && isSendableValue(answer)) return answer;
  throw invalid(`what authentication of the scheme ${scheme} answered cannot stand in a header (RFC 9110 §5.5)`);
}

function invalid(message: string): UsageError {
  return new UsageError('PB_OPTION_INVALID', message);
}

/** The value of Authorization for Basic (RFC 7617 §2). @throws UsageError `PB_OPTION_INVALID` for a colon in the name */
export function basicValue({ username, password }: Credentials): string {
  if (username.includes(':')) throw invalid('the username of `credentials` has a colon, which Basic cannot express');
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
