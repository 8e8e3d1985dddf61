import {
  type AuthenticationRequest,
  type Authenticator,
  type HubClient,
  HubRequest,
  type Principal,
} from '@pulsebeacon/hub';
import { OriginPolicy, type OriginPolicyOptions } from '@pulsebeacon/websocket';
import { quote } from '@pulsebeacon/wire';
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

  /** A token alone shows that somebody had a key, which may be revoked by now; and not where somebody is. */
  renew(principal: Principal): Principal | undefined {
    return this.authenticator.renew(principal) === undefined ? undefined : principal;
  }

  stillHolds(client: HubClient): boolean {
    return this.authenticator.stillHolds(client);
  }
}

/** Whether a page of another origin asks, which a browser tells: nobody but the dashboard's own page may. */
export class OwnPagesOnly {
  private readonly policy: OriginPolicy;

  constructor({ publicUrl }: OriginPolicyOptions) {
    this.policy = new OriginPolicy({ publicUrl });
  }

  /** @returns undefined where the request may go on, else why it may not, for the log */
  refuse(request: HubRequest): string | undefined {
    const site = request.header('sec-fetch-site')?.toLowerCase();
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return `Sec-Fetch-Site ${quote(site)}`;
    const { origin, host, fields, secure } = request;
    if (origin === undefined) return undefined;
    const { allowed } = this.policy.decide({ origin, host, fields }, secure ? 'https' : undefined);
    return allowed ? undefined : `Origin ${quote(origin)}`;
  }
}
