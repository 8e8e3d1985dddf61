import { brokerContract } from '@pulsebeacon/contracts';
import { MemoryBroker } from '@pulsebeacon/hub';

brokerContract(
  'the memory broker',
  (scope) => {
    const broker = new MemoryBroker();
    scope.after(() => broker.close());
    return Promise.resolve({ connect: () => Promise.resolve(broker) });
  },
  { durable: false },
);
