import type { Hub, HubClient } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';

const LOOK_MS = 1000;

/** Knows who was let in, and may be no longer. */
export interface Holders {
  stillHolds(client: HubClient): boolean;
}

/** Ends what the holders of a key have opened, once the key is revoked. @returns ends the looking */
export function endRevoked(hub: Hub, holders: Holders): () => void {
  const look = (): void => {
    for (const client of hub.clients) {
      if (!holders.stillHolds(client)) {
        client.close(new WireError('PB_UNAUTHENTICATED', 'the key of this connection was revoked'));
      }
    }
  };
  const timer = setInterval(look, LOOK_MS).unref();
  return () => clearInterval(timer);
}
