import { UsageError } from '../../connection/errors.ts';
import { isSendableValue } from '../../handshake/tokens.ts';
import type { OpeningRequest } from '../opening.ts';

/**
 * Why a client is not known: it showed nothing, something wrong, or something that was right and is too old.
 * What was wrong with it is never said.
 */
export type Unproven = 'missing' | 'wrong' | 'stale';

/** Who the client is, or why that is not known. */
export type Proof<User> = Unproven | { readonly user: User };

/** One way in which a client can show who it is; see {@link authenticate}. */
export interface AuthenticationMethod<User> {
  /** Looks at what the request has for this method; `missing` where it has nothing. */
  prove(request: OpeningRequest): Proof<User> | Promise<Proof<User>>;
  /** The values of WWW-Authenticate that ask for it (RFC 9110 §11.6.1). */
  challenges(why: Unproven): readonly string[];
}

/** @throws UsageError `PB_OPTION_INVALID` where it cannot stand in a challenge */
export function checkParameter(name: string, value: string): string {
  if (typeof value === 'string' && isSendableValue(value)) return value;
  throw new UsageError('PB_OPTION_INVALID', `\`${name}\` is text of Latin-1 without control characters`);
}

/** @throws UsageError `PB_OPTION_INVALID` */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new UsageError(
    'PB_OPTION_INVALID',
    `\`${name}\` is ${value === null ? 'null' : typeof value}: pass a function`,
  );
}
