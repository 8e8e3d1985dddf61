import type { AuthenticationRequest, Authenticator, HubClient, Principal } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import type { GatewayAuthenticator } from '../access/authenticator.ts';

const EVERYTHING: Principal['grants'] = [{ actions: ['subscribe', 'history'], channels: ['*'] }];

/**
 * Who may see the dashboard: whoever is on this machine, and holders of a key with the right admin. To others, a key may
 * help; with one that has not the right, it is refused.
 */
export class DashboardAuthenticator implements Authenticator {
  readonly challenge: string;
  readonly remedy =
    'without a key only who is on the machine of the server may, and not through a proxy; pulsebeacon keys create --rights admin makes one';
  private readonly authenticator: GatewayAuthenticator;

  constructor(authenticator: GatewayAuthenticator) {
    this.authenticator = authenticator;
    this.challenge = authenticator.challenge;
  }

  /** @throws {WireError} as {@link GatewayAuthenticator.authenticate} */
  authenticate(request: AuthenticationRequest): Principal | undefined {
    const who = this.authenticator.identify(request);
    return who === undefined ? undefined : { id: who.id, grants: who.isAdmin ? EVERYTHING : [] };
  }

  /** @throws {WireError} `PB_UNAUTHENTICATED` for nobody in particular, `PB_FORBIDDEN` for a key that has not the right */
  requireGranted(principal: Principal | undefined): void {
    if (principal === undefined) throw new WireError('PB_UNAUTHENTICATED', `a key is needed here: ${this.remedy}`);
    if (principal.grants.length === 0) throw new WireError('PB_FORBIDDEN', `${principal.id} has not the right admin`);
  }

  /** A token alone shows that somebody had a key, which may be revoked by now; and not where somebody is. */
  renew(principal: Principal): Principal | undefined {
    return this.authenticator.renew(principal) === undefined ? undefined : principal;
  }

  stillHolds(client: HubClient): boolean {
    return this.authenticator.stillHolds(client);
  }
}
