import type { Broker } from '../../src/broker/broker.ts';
import { delayMarker, delayTopology } from '../../src/broker/delay-topology.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';

/**
 * Messages that wait in the delay levels of the virtual host, of whatever queue: after a fault a copy of a retry may be
 * there whose original came back as well, so an empty queue is not the end.
 */
export async function delayedCount(
  admin: Pick<Broker, 'exchangeExists' | 'readyCount'>,
  prefix: string = DEFAULTS.delays.prefix,
): Promise<number> {
  if (!(await admin.exchangeExists(delayMarker(prefix).name))) return 0;
  let delayed = 0;
  for (const { name } of delayTopology(prefix).queues) delayed += await admin.readyCount(name);
  return delayed;
}
