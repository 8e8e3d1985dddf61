import { createHmac } from 'node:crypto';
import { UsageError } from '../../connection/errors.ts';
import { quote } from '../../handshake/digest.ts';
import { isToken } from '../../handshake/tokens.ts';
import { checkOptionNames } from '../connection-limits.ts';
import type { OpeningRequest } from '../opening.ts';
import { type AuthenticationMethod, checkFunction, checkParameter } from './method.ts';
import { secretsEqual } from './secrets-equal.ts';

/** What {@link signedCookie} is made with. */
export interface SignedCookieOptions<User> {
  /** Of the cookie: `connect.sid` with express-session. */
  readonly name: string;
  /** What it is signed with. Of several, new ones first: all are accepted. */
  readonly secret: string | readonly string[];
  /** The user whose session this is, or undefined where it has ended. `value` is what was signed. */
  verify(value: string, request: OpeningRequest): User | undefined | Promise<User | undefined>;
  /** Default: none is named. */
  readonly realm?: string;
  /** Where one signs in; it goes into the challenge. */
  readonly signInPage?: string;
}

const NAMES: ReadonlySet<string> = new Set(['name', 'secret', 'verify', 'realm', 'signInPage']);

/**
 * A cookie that was signed as express-session, cookie-parser and @fastify/cookie sign theirs: HMAC with SHA-256, in
 * base64, behind a dot. The challenge is that of the scheme Cookie (draft-broyer-http-cookie-auth), for HTTP has none.
 * Pages of other origins send the cookie, too: leave the origin policy of the server as it is.
 * @throws {UsageError} `PB_OPTION_INVALID`
 */
export function signedCookie<User>(options: SignedCookieOptions<User>): AuthenticationMethod<User> {
  checkOptionNames(options, NAMES, ['verify']);
  const { name, verify } = options;
  const secrets = checkSecrets(options.secret);
  if (!isToken(name)) throw new UsageError('PB_OPTION_INVALID', '`name` is the name of a cookie, a token (RFC 6265)');
  checkFunction('verify', verify);
  const challenge = challengeOf(options);
  return {
    challenges: () => [challenge],
    async prove(request) {
      const cookies = cookiesNamed(name, request.headers.get('cookie') ?? '');
      if (cookies.length === 0) return 'missing';
      for (const cookie of cookies) {
        const value = unsign(cookie, secrets);
        const user = value === undefined ? undefined : await verify.call(options, value, request);
        if (user !== undefined && user !== null) return { user };
      }
      return 'wrong';
    },
  };
}

/**
 * Signs a value for a cookie that {@link signedCookie} accepts. Set it with `HttpOnly; Secure; SameSite=Lax`; when it
 * ends is for the value itself to say.
 */
export function signCookie(value: string, secret: string): string {
  return encodeURIComponent(`${value}.${signatureOf(value, checkSecrets(secret)[0]!)}`);
}

function signatureOf(value: string, secret: string): string {
  return createHmac('sha256', secret).update(value).digest('base64').replace(/=+$/, '');
}

/** What was signed, if it was. Express writes `s:` before it. */
function unsign(cookie: string, secrets: readonly string[]): string | undefined {
  const signed = cookie.startsWith('s:') ? cookie.slice(2) : cookie;
  const dot = signed.lastIndexOf('.');
  if (dot < 0) return undefined;
  const value = signed.slice(0, dot);
  const signature = signed.slice(dot + 1);
  return secrets.some((secret) => secretsEqual(signature, signatureOf(value, secret))) ? value : undefined;
}

/** The values of all cookies of this name: a site beside ours may have set one more (RFC 6265 §8.6). */
function cookiesNamed(name: string, header: string): string[] {
  const values: string[] = [];
  for (const part of header.split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0 || part.slice(0, equals).trim() !== name) continue;
    const value = part.slice(equals + 1).trim();
    values.push(decode(/^"(.*)"$/.exec(value)?.[1] ?? value));
  }
  return values;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function challengeOf({ name, realm, signInPage }: SignedCookieOptions<unknown>): string {
  const parameters = [`cookie-name=${quote(name)}`];
  if (realm !== undefined) parameters.unshift(`realm=${quote(checkParameter('realm', realm))}`);
  if (signInPage !== undefined) parameters.push(`form-action=${quote(checkParameter('signInPage', signInPage))}`);
  return `Cookie ${parameters.join(', ')}`;
}

/** @throws UsageError `PB_OPTION_INVALID`, which does not show them */
function checkSecrets(secret: string | readonly string[]): readonly string[] {
  const secrets = [secret].flat() as readonly string[];
  if (secrets.length > 0 && secrets.every((each) => typeof each === 'string' && each.length > 0)) return secrets;
  throw new UsageError('PB_OPTION_INVALID', '`secret` is a string, or a list of them, and none is empty');
}
