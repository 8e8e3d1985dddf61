import type { Hub } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import type { GatewayAuthenticator } from './authenticator.ts';

const LOOK_MS = 1000;

/** Ends what the holders of a key have opened, once the key is revoked. @returns ends the looking */
export function endRevoked(hub: Hub, authenticator: GatewayAuthenticator): () => void {
  const look = (): void => {
    for (const client of hub.clients) {
      if (!authenticator.stillHolds(client)) {
        client.close(new WireError('PB_UNAUTHENTICATED', 'the key of this connection was revoked'));
      }
    }
  };
  const timer = setInterval(look, LOOK_MS).unref();
  return () => clearInterval(timer);
}
