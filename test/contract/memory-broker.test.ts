import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { createMemoryVirtualHost } from '../../src/broker/memory/memory-virtual-host.ts';
import type { BrokerRig } from './broker-rig.ts';
import { exerciseBroker } from './exercise-broker.ts';
import { exerciseDeadLetters } from './exercise-dead-letters.ts';
import { exerciseService } from './exercise-service.ts';

function memoryRig(): BrokerRig {
  const host = createMemoryVirtualHost();
  const brokers = new Set<unknown>();
  const own = (broker: unknown): MemoryBroker => {
    if (broker instanceof MemoryBroker && brokers.has(broker)) return broker;
    throw new TypeError('not a broker of this rig');
  };
  return {
    make: async (listener) => {
      const broker = new MemoryBroker(host, listener);
      brokers.add(broker);
      return broker;
    },
    breakConnection: (broker) => own(broker).breakConnection(),
    deleteQueue: async (queue) => host.deleteQueue(queue),
    blocking: {
      block: (broker, reason) => own(broker).block(reason),
      unblock: (broker) => own(broker).unblock(),
    },
    dispose: async () => {},
  };
}

exerciseBroker('MemoryBroker', async () => memoryRig());
exerciseDeadLetters('MemoryBroker', async () => memoryRig());
exerciseService('MemoryBroker', () => new MemoryBroker());
