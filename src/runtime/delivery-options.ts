import { hostname } from 'node:os';
import { suspectsQueueName } from '../broker/topology.ts';
import { SUSPECT_RETURNS, WATCHDOG_MS } from '../config/defaults.ts';
import type { ResolvedOptions, ResolvedQueue } from '../config/resolve-options.ts';
import type { DeliveryOptions, QueueOptions } from '../delivery/delivery-options.ts';

/** What the delivery path is told of the options: every queue, each followed by its queue of suspects. */
export function deliveryOptions(options: ResolvedOptions): DeliveryOptions {
  const { queues, batch, creditBytes, unknownTasks, delayPrefix } = options;
  return {
    queues: queues.flatMap((queue) => [workQueue(queue), suspectsQueue(queue)]),
    batch,
    creditBytes,
    unknownTasks,
    delayPrefix,
    suspectReturns: SUSPECT_RETURNS,
    worker: `${hostname()}:${process.pid}`,
    watchdogMs: WATCHDOG_MS,
  };
}

function workQueue(queue: ResolvedQueue): QueueOptions {
  return { ...queue, home: queue.name, suspects: false };
}

/** One at a time, so that a process that dies says which of them it was. */
function suspectsQueue(queue: ResolvedQueue): QueueOptions {
  return { ...queue, name: suspectsQueueName(queue.name), home: queue.name, suspects: true, prefetch: 1 };
}
