import { UsageError } from '../../connection/errors.ts';
import { Refusal } from '../../handshake/refusal.ts';
import type { Authorization, OpeningRequest } from '../opening.ts';
import type { AuthenticationMethod, Unproven } from './method.ts';

/** Decides on a client that is known; see `authorize` of the server's options. */
export type UserAuthorization<User, Context> = (
  user: User,
  request: OpeningRequest,
) => Authorization<Context> | Promise<Authorization<Context>>;

/**
 * An `authorize` that asks who the client is: `authorize: authenticate([digest({ … }), bearer({ … })])`. Whoever shows
 * it by one of the methods is let in, with what the method knows as the connection's context; everybody else gets 401
 * with the challenges of all of them. Other `authorize`rs can call it, too: what it returns is what they may return.
 *
 * @param methods in the order of preference: the first whose proof holds is the one
 * @param accept decides on the user that was found. Default: lets it in with `{ context: user }`
 * @throws {UsageError} `PB_OPTION_INVALID` where there is no method
 */
export function authenticate<User, Context = User>(
  methods: AuthenticationMethod<User> | readonly AuthenticationMethod<User>[],
  accept: UserAuthorization<User, Context> = letIn,
): (request: OpeningRequest) => Promise<Authorization<Context>> {
  const list = [methods].flat() as readonly AuthenticationMethod<User>[];
  const isMethod = (method: unknown): boolean =>
    typeof (method as Partial<(typeof list)[0]> | null)?.prove === 'function';
  if (list.length === 0 || !list.every(isMethod)) {
    throw new UsageError(
      'PB_OPTION_INVALID',
      'authenticate() takes methods: basic(), bearer(), digest(), signedCookie()',
    );
  }
  return async (request) => {
    // Two readers could take two lines for two different users (RFC 9110 §5.3: it is no list).
    if (request.headers.getAll('authorization').length > 1) return REPEATED;
    const why: Unproven[] = [];
    for (const method of list) {
      const proof = await method.prove(request);
      if (typeof proof === 'object') return accept(proof.user, request);
      why.push(proof);
    }
    return unauthenticated(list.flatMap((method, index) => method.challenges(why[index]!)));
  };
}

const letIn = <User, Context>(user: User): Authorization<Context> => ({ context: user as unknown as Context });

const REPEATED = Refusal.of('PB_HANDSHAKE_AUTHORIZATION_REPEATED');

function unauthenticated(challenges: readonly string[]): Refusal {
  const headers = challenges.map((challenge): [string, string] => ['WWW-Authenticate', challenge]);
  return Refusal.of('PB_HANDSHAKE_UNAUTHENTICATED', { headers });
}
