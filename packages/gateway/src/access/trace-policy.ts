import { HubRequest } from '@pulsebeacon/hub';
import type { OpeningRequest, TrustedProxies } from '@pulsebeacon/websocket';
import { WireError } from '@pulsebeacon/wire';
import type { GatewayAuthenticator } from './authenticator.ts';

/** Who may see, by `Pulse-Trace`, how the decision on a handshake came about: whoever may see the dashboard. */
export function tracePolicy(
  authenticator: GatewayAuthenticator,
  proxies: TrustedProxies | undefined,
): (request: OpeningRequest) => boolean {
  return ({ request }) => {
    const asked = HubRequest.of(request, proxies);
    try {
      return asked !== undefined && authenticator.isAdmin(asked);
    } catch (error) {
      // A key that does not hold: the handshake itself is answered as it would be without the wish.
      if (error instanceof WireError) return false;
      throw error;
    }
  };
}
