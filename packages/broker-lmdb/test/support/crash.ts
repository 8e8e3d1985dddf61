import type { LmdbBroker } from '@pulsebeacon/broker-lmdb';
import type { Store } from '#dist/store.js';

/** The parts of a broker that tests look at or take the place of. */
export function storeOf(broker: LmdbBroker): Store {
  return (broker as unknown as { store: Store }).store;
}

/** Leaves the data as a process that is killed does. */
export async function crashed(broker: LmdbBroker): Promise<void> {
  clearInterval((broker as unknown as { sweeping: NodeJS.Timeout }).sweeping);
  await storeOf(broker).abandon();
}
