import {
  type AuthenticationRequest,
  type Authenticator,
  type Grant,
  type HubClient,
  type Principal,
  RateTable,
} from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { Key, type KeyRing } from '../keys/key-ring.ts';
import { findForeign } from './local-peer.ts';

const EVERYTHING: readonly Grant[] = [{ actions: ['subscribe', 'publish', 'history'], channels: ['*'] }];
const LOCAL: Principal = { id: 'local', grants: EVERYTHING };
const ANONYMOUS: Principal = { id: 'anonymous', grants: [{ actions: ['publish'], channels: ['*'] }] };

const KEY_PRINCIPAL = /^key:(\w+)$/;

/** The scheme is compared without regard to case (RFC 9110 §11.1). */
const BEARER = /^bearer +(\S+)$/i;

/**
 * Who somebody is to the gateway: the holder of a key, somebody on this machine, anybody where that is allowed, or
 * nobody in particular.
 */
export class GatewayAuthenticator implements Authenticator {
  readonly challenge = 'Bearer realm="pulsebeacon"';
  readonly remedy =
    'without a key only who is on the machine of the server may, and not through a proxy; pulsebeacon keys create makes one, for Authorization: Bearer pb_…';
  private readonly keys: KeyRing;
  private readonly anonymous: boolean;
  private readonly failureRate: number;
  private readonly failures = new RateTable();

  /** @param failureRate wrong keys a minute from one address; whoever has one that holds is let in all the same */
  constructor(keys: KeyRing, anonymous: boolean, failureRate: number) {
    this.keys = keys;
    this.anonymous = anonymous;
    this.failureRate = failureRate;
  }

  /** @throws {WireError} `PB_UNAUTHENTICATED` for a key that does not hold, `PB_AUTH_RATE` for too many of them */
  authenticate(request: AuthenticationRequest): Principal | undefined {
    const key = this.keyOf(request);
    if (key !== undefined) return principalOf(key);
    // A socket alone is no sign of the user: any page can have it opened. Host and Origin are judged before this.
    if (findForeign(request) === undefined) return LOCAL;
    return this.anonymous ? ANONYMOUS : undefined;
  }

  /** Whether a request may see what is for those who run the server: metrics, and the dashboard. @throws as `authenticate` */
  isAdmin(request: AuthenticationRequest): boolean {
    return this.identify(request)?.isAdmin ?? false;
  }

  /**
   * Who somebody is to what is for those who run the server.
   * @returns undefined for somebody elsewhere without a key
   * @throws as `authenticate`
   */
  identify(request: AuthenticationRequest): { readonly id: string; readonly isAdmin: boolean } | undefined {
    const key = this.keyOf(request);
    if (key !== undefined) return { id: `key:${key.id}`, isAdmin: key.isAdmin };
    return findForeign(request) === undefined ? { id: LOCAL.id, isAdmin: true } : undefined;
  }

  /**
   * Whose key holds is who they were, with the rights that it has by now. To be on this machine, or to be anybody, is for
   * the request at hand to show: a token that is carried elsewhere does not.
   */
  renew({ id }: Principal): Principal | undefined {
    const key = this.keys.get(KEY_PRINCIPAL.exec(id)?.[1] ?? '');
    return key === undefined ? undefined : principalOf(key);
  }

  /** Whether a client is still who it was let in as: its key may have been revoked since. */
  stillHolds({ session }: HubClient): boolean {
    const { principal } = session;
    return principal === undefined || !KEY_PRINCIPAL.test(principal.id) || this.renew(principal) !== undefined;
  }

  private keyOf({ authorization, query, remoteAddress }: AuthenticationRequest): Key | undefined {
    const text = textOfKey(authorization, query);
    if (text === undefined) return undefined;
    const key = this.keys.check(text);
    if (key instanceof Key) return key;
    const { failureRate } = this;
    if (!this.failures.take(remoteAddress ?? '', failureRate / 60, failureRate)) throw new WireError('PB_AUTH_RATE');
    throw new WireError('PB_UNAUTHENTICATED', key);
  }
}

function principalOf({ id, grants }: Key): Principal {
  return { id: `key:${id}`, grants };
}

/** Browsers cannot send Authorization with a WebSocket or an EventSource: they have `?access_token=` (RFC 6750 §2.3). */
function textOfKey(authorization: string | undefined, query: URLSearchParams): string | undefined {
  if (authorization === undefined) return query.get('access_token') ?? undefined;
  const match = BEARER.exec(authorization);
  if (match === null)
    throw new WireError('PB_UNAUTHENTICATED', 'Authorization is no Bearer: send Authorization: Bearer pb_…');
  return match[1];
}
