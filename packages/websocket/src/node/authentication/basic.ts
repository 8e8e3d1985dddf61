import { isUtf8 } from 'node:buffer';
import { quote } from '../../handshake/digest.ts';
import { checkOptionNames } from '../connection-limits.ts';
import type { OpeningRequest } from '../opening.ts';
import { credentialsOf } from './authorization.ts';
import { type AuthenticationMethod, checkFunction, checkParameter } from './method.ts';

/** What {@link basic} is made with. */
export interface BasicOptions<User> {
  /** What the password is for; browsers show it. */
  readonly realm: string;
  /**
   * The user with this name and password, or undefined. Compare with something slow (scrypt) or, where the password is
   * long and random, with {@link secretsEqual}.
   */
  verify(username: string, password: string, request: OpeningRequest): User | undefined | Promise<User | undefined>;
}

const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;
const CONTROL = /\p{Cc}/u;

const NAMES: ReadonlySet<string> = new Set(['realm', 'verify']);

/**
 * A name and a password (RFC 7617). They can be read by whoever can read the request: for TLS, or this machine.
 * @throws {UsageError} `PB_OPTION_INVALID`
 */
export function basic<User>(options: BasicOptions<User>): AuthenticationMethod<User> {
  checkOptionNames(options, NAMES, ['verify']);
  const { realm, verify } = options;
  const challenge = `Basic realm=${quote(checkParameter('realm', realm))}, charset="UTF-8"`;
  checkFunction('verify', verify);
  return {
    challenges: () => [challenge],
    async prove(request) {
      const credentials = credentialsOf(request, 'basic');
      if (credentials === undefined) return 'missing';
      const pair = readPair(credentials);
      if (pair === undefined) return 'wrong';
      const user = await verify.call(options, pair.username, pair.password, request);
      return user === undefined || user === null ? 'wrong' : { user };
    },
  };
}

/** The name ends at the first colon; neither part has control characters (RFC 7617 §2). */
function readPair(credentials: string): { readonly username: string; readonly password: string } | undefined {
  if (!BASE64.test(credentials)) return undefined;
  const bytes = Buffer.from(credentials, 'base64');
  const text = bytes.toString();
  const colon = text.indexOf(':');
  if (colon < 0 || !isUtf8(bytes) || CONTROL.test(text)) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
