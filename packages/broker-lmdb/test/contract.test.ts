import { brokerContract, type OpenStore } from '@pulsebeacon/contracts';
import { type FsyncPolicy, LmdbBroker } from '@pulsebeacon/broker-lmdb';
import { crashed } from './support/crash.ts';
import { temporaryFolder } from './support/folder.ts';

function store(fsync: FsyncPolicy): OpenStore {
  return async (scope) => {
    const path = await temporaryFolder(scope);
    const open = (): Promise<LmdbBroker> => LmdbBroker.open({ path, fsync });
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
  brokerContract(`LMDB, fsync ${fsync},`, store(fsync), { durable: true });
}
