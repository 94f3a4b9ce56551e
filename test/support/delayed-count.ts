import type { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { delayMarker, delayTopology } from '../../src/broker/delay-topology.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';

const PREFIX = DEFAULTS.delays.prefix;

/**
 * Messages that wait in the delay levels of the virtual host, of whatever queue: after a fault a copy of a retry may be
 * there whose original came back as well, so an empty queue is not the end.
 */
export async function delayedCount(admin: AmqpBroker): Promise<number> {
  if (!(await admin.exchangeExists(delayMarker(PREFIX).name))) return 0;
  let delayed = 0;
  for (const { name } of delayTopology(PREFIX).queues) delayed += await admin.readyCount(name);
  return delayed;
}
