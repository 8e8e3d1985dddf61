import { brokerContract, type OpenStore } from '@pulsebeacon/contracts';
import { LmdbBroker, type LmdbBrokerOptions } from '@pulsebeacon/broker-lmdb';
import { crashed } from './support/crash.ts';
import { temporaryFolder } from './support/folder.ts';

function store(options: Omit<LmdbBrokerOptions, 'path'>): OpenStore {
  return async (scope) => {
    const path = await temporaryFolder(scope);
    const open = (): Promise<LmdbBroker> => LmdbBroker.open({ path, ...options });
    let broker = await open();
    scope.after(() => broker.close());
    return {
      connect: () => Promise.resolve(broker),
      async crash() {
        await crashed(broker);
        broker = await open();
        return broker;
      },
    };
  };
}

for (const fsync of ['grouped', 'each', 'off'] as const) {
  brokerContract(`LMDB, fsync ${fsync},`, store({ fsync }), { durable: true });
}

// Every history is read from disk.
brokerContract('LMDB without a cache', store({ cacheBytes: 0 }), { durable: true });
