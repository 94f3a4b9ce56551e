import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryCounters } from '../../../src/delivery/delivery-counters.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import { type HealthInputs, judgeHealth } from '../../../src/runtime/health.ts';
import { ThreadWatch } from '../../../src/runtime/thread-watch.ts';
import { type Logger, SILENT_LOGGER } from '../../../src/telemetry/logger.ts';

const WELL: HealthInputs = {
  state: 'running',
  broker: { state: 'connected', server: 'RabbitMQ 4.2.0', reason: undefined, reconnects: 0 },
  store: { state: 'connected', server: 'MongoDB 8.0.4', reason: undefined },
  threads: { configured: 2, alive: 2, stuck: 0, deaths: 0, lastExit: undefined },
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
    { threads: { configured: 2, alive: 1, stuck: 0, deaths: 1, lastExit: 'out of memory' } },
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

test('failed, though it still runs, while a thread is stuck', () => {
  assert.deepEqual(judgeHealth({ ...WELL, threads: { ...WELL.threads, stuck: 1 } }), {
    health: 'failed',
    problems: ['1 of 2 threads do not end: end the process'],
  });
});

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
  assert.deepEqual(watch.health(2), { configured: 2, alive: 1, stuck: 0, deaths: 1, lastExit: 'exit code 1' });
  watch.expectExits();
  watch.threadExited(2, 'stopped');
  assert.deepEqual(watch.health(2), { configured: 2, alive: 0, stuck: 0, deaths: 1, lastExit: 'exit code 1' });
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

test('a thread that is recycled is no death, unless it dies of something else', () => {
  const { lines, logger } = record();
  const watch = new ThreadWatch(logger);
  for (const threadId of [1, 2]) watch.threadStarted(threadId);
  watch.recycled(1, 'recycled after 100 tasks');
  watch.threadStarted(3);
  watch.threadExited(1, 'recycled after 100 tasks');
  assert.deepEqual(watch.health(2), { configured: 2, alive: 2, stuck: 0, deaths: 0, lastExit: undefined });
  assert.deepEqual(
    lines.filter(({ level }) => level !== 'debug'),
    [
      {
        level: 'info',
        fields: { threadId: 1, reason: 'recycled after 100 tasks' },
        message: 'a thread is being replaced',
      },
    ],
  );
  watch.recycled(2, 'recycled after 100 tasks');
  watch.threadExited(2, 'its heap grew beyond the limit of 64 MiB');
  assert.equal(watch.health(2).deaths, 1);
});

test('a stuck thread is logged, counted until it ends after all, and told to whoever listens', () => {
  const { lines, logger } = record();
  const watch = new ThreadWatch(logger);
  const told: RuntimeError[] = [];
  watch.threadStarted(1);
  watch.whenStuck((error) => told.push(error));
  watch.stuck(1, 'it ran for longer than 5s');
  assert.equal(watch.health(1).stuck, 1);
  assert.equal(told[0]?.code, 'E_THREAD_STUCK');
  assert.match(told[0]?.message ?? '', /thread 1 was told to end \(it ran for longer than 5s\) and has not/);
  assert.deepEqual(
    lines.filter(({ level }) => level === 'error').map(({ fields }) => fields),
    [{ code: 'E_THREAD_STUCK', threadId: 1, reason: 'it ran for longer than 5s' }],
  );
  watch.threadExited(1, 'it ran for longer than 5s');
  assert.equal(watch.health(1).stuck, 0);
  assert.equal(watch.health(1).deaths, 1);
});

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

function record(): { lines: Line[]; logger: Logger } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields, message });
    };
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}
