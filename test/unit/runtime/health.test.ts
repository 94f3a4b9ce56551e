import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryCounters } from '../../../src/delivery/delivery-counters.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import { type HealthInputs, judgeHealth } from '../../../src/runtime/health.ts';
import { ThreadWatch } from '../../../src/runtime/thread-watch.ts';
import { SILENT_LOGGER } from '../../../src/telemetry/logger.ts';

const WELL: HealthInputs = {
  state: 'running',
  broker: { state: 'connected', server: 'RabbitMQ 4.2.0', reason: undefined, reconnects: 0 },
  store: { state: 'connected', server: 'MongoDB 8.0.4', reason: undefined },
  threads: { configured: 2, alive: 2, deaths: 0, lastExit: undefined },
  counters: undefined,
  failure: undefined,
};

test('a runtime with everything in place is ok', () => {
  assert.deepEqual(judgeHealth(WELL), { health: 'ok', problems: [] });
  assert.equal(judgeHealth({ ...WELL, store: undefined }).health, 'ok', 'no store is no problem');
});

const degraded: readonly [name: string, inputs: Partial<HealthInputs>, says: string][] = [
  [
    'the broker is away',
    { broker: { ...WELL.broker, state: 'waiting', reason: 'refused' } },
    'the broker is waiting: refused',
  ],
  [
    'the broker blocks',
    { broker: { ...WELL.broker, state: 'blocked', reason: 'low on disk' } },
    'the broker is blocked: low on disk',
  ],
  [
    'the store is away',
    { store: { state: 'away', server: undefined, reason: 'no primary' } },
    'the store is away: no primary',
  ],
  [
    'a thread is missing',
    { threads: { configured: 2, alive: 1, deaths: 1, lastExit: 'out of memory' } },
    '1 of 2 threads run: out of memory',
  ],
  [
    'nothing is consumed',
    {
      counters: { paused: 'the store is away', interrupted: [] as DeliveryCounters['interrupted'] } as DeliveryCounters,
    },
    'nothing is consumed: the store is away',
  ],
  [
    'a queue has no consumer',
    { counters: { interrupted: [{ queue: 'calls', reason: 'it was deleted' }] } as unknown as DeliveryCounters },
    "queue 'calls' has no consumer: it was deleted",
  ],
  ['it is draining', { state: 'draining' }, 'the runtime is draining'],
];

for (const [name, inputs, says] of degraded) {
  test(`degraded, in words: ${name}`, () => {
    assert.deepEqual(judgeHealth({ ...WELL, ...inputs }), { health: 'degraded', problems: [says] });
  });
}

test('a failed runtime says why', () => {
  const failure = { code: 'E_THREADS_EXHAUSTED', message: 'dead' };
  assert.deepEqual(judgeHealth({ ...WELL, state: 'failed', failure }), {
    health: 'failed',
    problems: ['E_THREADS_EXHAUSTED: dead'],
  });
});

test('a thread that ends counts as a death, unless it was told to end', () => {
  const watch = new ThreadWatch(SILENT_LOGGER);
  watch.threadStarted(1);
  watch.threadStarted(2);
  watch.threadExited(1, 'exit code 1');
  assert.deepEqual(watch.health(2), { configured: 2, alive: 1, deaths: 1, lastExit: 'exit code 1' });
  watch.expectExits();
  watch.threadExited(2, 'stopped');
  assert.deepEqual(watch.health(2), { configured: 2, alive: 0, deaths: 1, lastExit: 'exit code 1' });
});

test('an executor that gives up is told to whoever listens', () => {
  const watch = new ThreadWatch(SILENT_LOGGER);
  const error = new RuntimeError('E_THREADS_EXHAUSTED', 'dead');
  watch.exhausted(error);
  const told: RuntimeError[] = [];
  watch.whenExhausted((each) => told.push(each));
  watch.exhausted(error);
  assert.deepEqual(told, [error]);
});
