import { type AuthorizationValue, readAuthorization } from '../../handshake/credentials.ts';
import type { OpeningRequest } from '../opening.ts';

/** What the request's Authorization says in this scheme, given in lower case; undefined where it says nothing in it. */
export function credentialsOf(request: OpeningRequest, scheme: string): string | undefined {
  const value: AuthorizationValue | undefined = readAuthorization(request.headers.get('authorization') ?? '');
  return value?.scheme === scheme ? value.credentials : undefined;
}
