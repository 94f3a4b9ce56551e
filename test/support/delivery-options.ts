import type { DeliveryOptions, QueueOptions } from '../../src/delivery/delivery-options.ts';
import type { RetryPolicy } from '../../src/task/retry-policy.ts';

export const DELAY_PREFIX = 'test.delay';

/** Three attempts without delays worth waiting for. */
export const QUICK_RETRY: RetryPolicy = {
  attempts: 3,
  backoff: 'fixed',
  delayMs: 0,
  maxDelayMs: 1_000,
  jitter: 'none',
  never: [],
};

export function queueOptions(name: string, changes: Partial<QueueOptions> = {}): QueueOptions {
  return {
    name,
    home: name,
    task: undefined,
    prefetch: 100,
    suspects: false,
    weight: 1,
    retry: QUICK_RETRY,
    ...changes,
  };
}

export function deliveryOptions(
  queues: readonly QueueOptions[],
  changes: Partial<DeliveryOptions> = {},
): DeliveryOptions {
  return {
    queues,
    batch: { target: 8, maxBytes: 1 << 18, maxAgeMs: 1 },
    creditBytes: 64 << 20,
    suspectReturns: 3,
    unknownTasks: { waitMs: 100, limit: 2 },
    delayPrefix: DELAY_PREFIX,
    worker: 'test:1',
    watchdogMs: 60_000,
    ...changes,
  };
}
