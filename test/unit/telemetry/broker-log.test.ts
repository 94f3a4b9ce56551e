import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import { logBroker } from '../../../src/telemetry/broker-log.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';

test('each failed attempt to consume again is a warning that names the queue and the reason', () => {
  const warnings: unknown[] = [];
  const ignore = (): void => {};
  const logger: Logger = { debug: ignore, info: ignore, warn: (fields) => void warnings.push(fields), error: ignore };
  const error = new RuntimeError('E_BROKER_QUEUE_MISSING', "the queue 'calls' cannot be consumed");
  logBroker(logger).consumerWaiting?.('calls', error, 250);
  assert.deepEqual(warnings, [
    { queue: 'calls', code: 'E_BROKER_QUEUE_MISSING', reason: "the queue 'calls' cannot be consumed", retryInMs: 250 },
  ]);
});
