import { quote } from '../../handshake/digest.ts';
import { checkOptionNames } from '../connection-limits.ts';
import type { OpeningRequest } from '../opening.ts';
import { credentialsOf } from './authorization.ts';
import { type AuthenticationMethod, checkFunction, checkParameter } from './method.ts';

/** What {@link bearer} is made with. */
export interface BearerOptions<User> {
  /** Default: none is named. */
  readonly realm?: string;
  /** The user whose token this is, or undefined where it is not, or no longer, valid. */
  verify(token: string, request: OpeningRequest): User | undefined | Promise<User | undefined>;
}

/** RFC 6750 §2.1. */
const TOKEN = /^[\w.~+/-]+=*$/;

const NAMES: ReadonlySet<string> = new Set(['realm', 'verify']);

/**
 * A token in Authorization (RFC 6750 §2.1).
 * @throws {UsageError} `PB_OPTION_INVALID`
 */
export function bearer<User>(options: BearerOptions<User>): AuthenticationMethod<User> {
  checkOptionNames(options, NAMES, ['verify']);
  const { realm, verify } = options;
  const named = realm === undefined ? [] : [`realm=${quote(checkParameter('realm', realm))}`];
  checkFunction('verify', verify);
  return {
    challenges: (why) => {
      // A client that has shown nothing is not told of an error (RFC 6750 §3.1).
      const parameters = why === 'missing' ? named : [...named, 'error="invalid_token"'];
      return [`Bearer ${parameters.join(', ')}`.trimEnd()];
    },
    async prove(request) {
      const token = credentialsOf(request, 'bearer');
      if (token === undefined) return 'missing';
      if (!TOKEN.test(token)) return 'wrong';
      const user = await verify.call(options, token, request);
      return user === undefined || user === null ? 'wrong' : { user };
    },
  };
}
