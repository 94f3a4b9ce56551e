import { MongoClient } from 'mongodb';
import { Connection } from 'rabbitmq-client';
import { deadQueueName, suspectsQueueName } from '../../broker/topology.ts';
import { resolveBroker } from '../../config/resolve-options.ts';
import { openBroker } from '../../runtime/open-broker.ts';
import { takeMessages } from '../../runtime/take-messages.ts';
import { redactSecrets } from '../../support/redact.ts';
import { SILENT_LOGGER } from '../../telemetry/logger.ts';
import { type DemoServices, demoName, idsOf } from './demo-services.ts';

/**
 * RabbitMQ and MongoDB at these URLs, with a queue and a collection that no other run has.
 * The two client libraries are used here directly, because counting and cleaning up must not rely on what is shown.
 */
export async function realServices(amqpUrl: string, mongoUrl: string): Promise<DemoServices> {
  const queue = demoName();
  const inspection = await openBroker(resolveBroker(amqpUrl), SILENT_LOGGER);
  await inspection.start();
  const mongo = new MongoClient(mongoUrl);
  const collection = mongo.db().collection<{ _id: string }>(queue);
  const close = async (): Promise<void> => {
    await Promise.all([inspection.stop(), mongo.close()]);
  };
  return {
    name: redactSecrets(`${inspection.health().server ?? 'RabbitMQ'} and the store at ${mongoUrl}`),
    queue,
    runtimeOptions: { broker: amqpUrl, store: mongoUrl },
    clientBroker: amqpUrl,
    storedIds: async () => {
      const documents = await collection.find({}, { projection: { _id: 1 } }).toArray();
      return documents.map(({ _id }) => _id);
    },
    deadIds: async () => idsOf(await takeMessages(inspection, deadQueueName(queue))),
    remove: async () => {
      await collection.drop();
      await deleteQueues(amqpUrl, [queue, deadQueueName(queue), suspectsQueueName(queue)]);
      await close();
    },
    close,
  };
}

async function deleteQueues(amqpUrl: string, queues: readonly string[]): Promise<void> {
  const connection = new Connection(amqpUrl);
  for (const queue of queues) await connection.queueDelete({ queue });
  await connection.close();
}
