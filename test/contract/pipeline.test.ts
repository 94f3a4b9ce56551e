import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { queueTopology } from '../../src/broker/topology.ts';
import { createPipeline } from '../../src/delivery/pipeline.ts';
import { SILENT_LOGGER } from '../../src/telemetry/logger.ts';
import { deliveryOptions, queueOptions } from '../support/delivery-options.ts';
import { ScriptedExecutor } from '../support/scripted-executor.ts';
import { exerciseService } from './exercise-service.ts';

exerciseService('a pipeline of two queues', async () => {
  const broker = new MemoryBroker();
  await broker.start();
  const publisher = await broker.publisher({ window: 10 });
  const queues = ['one', 'two'].map((name) => queueOptions(name, { prefetch: 10 }));
  for (const { name } of queues) {
    await broker.declare(queueTopology(name, 'quorum'));
    const message = {
      exchange: '',
      routingKey: name,
      properties: { deliveryMode: 2 as const },
      body: Buffer.from('{}'),
    };
    await publisher.publish(message);
  }
  const executor = new ScriptedExecutor(1, () => 'succeed');
  const parts = { broker, executor, publisher, store: undefined, logger: SILENT_LOGGER, fatal: () => {} };
  return createPipeline(parts, deliveryOptions(queues));
});
