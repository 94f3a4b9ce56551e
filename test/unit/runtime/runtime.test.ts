import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import { resolveOptions } from '../../../src/config/resolve-options.ts';
import type { DeliveryCounters } from '../../../src/delivery/delivery-counters.ts';
import { DeliveryTally } from '../../../src/delivery/delivery-tally.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import type { Executor } from '../../../src/executor/executor.ts';
import { type RunningPipeline, WorkerRuntime } from '../../../src/runtime/runtime.ts';
import { ThreadWatch } from '../../../src/runtime/thread-watch.ts';
import { deferred } from '../../../src/support/deferred.ts';
import { SILENT_LOGGER } from '../../../src/telemetry/logger.ts';

const COUNTERS: DeliveryCounters = new DeliveryTally().snapshot({
  messagesHeld: 0,
  bytesHeld: 0,
  interrupted: [],
  paused: undefined,
});

interface Bench {
  readonly log: string[];
  readonly runtime: WorkerRuntime;
  /** What the pipeline was given to call when it cannot go on. */
  fatal(error: RuntimeError): void;
}

interface Faults {
  readonly executorStart?: () => Promise<void>;
  readonly pipelineStart?: () => Promise<void>;
  readonly drain?: () => Promise<number>;
  readonly executorStop?: () => Promise<void>;
}

function setup(faults: Faults = {}): Bench {
  const log: string[] = [];
  const step = (name: string, run?: () => Promise<void>) => async (): Promise<void> => {
    log.push(name);
    await run?.();
  };
  const executor: Executor = {
    kind: 'fake',
    threads: 1,
    start: step('+threads', faults.executorStart),
    stop: step('-threads', faults.executorStop),
    tasks: () => [],
    run: () => assert.fail('nothing runs here'),
    load: () => ({ busyMs: 30, aliveMs: 120 }),
    abort: () => undefined,
    terminate: () => undefined,
  };
  const pipeline: RunningPipeline = {
    start: step('+pipeline', faults.pipelineStart),
    stop: step('-pipeline'),
    drain: async () => {
      log.push('drain');
      return (await faults.drain?.()) ?? 0;
    },
    counters: () => COUNTERS,
    sizes: () => [],
  };
  const broker = new MemoryBroker();
  const bench: Bench = {
    log,
    fatal: () => assert.fail('the pipeline was not made'),
    runtime: new WorkerRuntime(
      {
        broker,
        store: undefined,
        executor,
        threads: new ThreadWatch(SILENT_LOGGER),
        logger: SILENT_LOGGER,
        createPipeline: (parts) => {
          bench.fatal = parts.fatal;
          return pipeline;
        },
      },
      resolveOptions({ tasks: 'tasks.js', threads: 1, queues: ['calls'] }),
    ),
  };
  return bench;
}

test('the parts start in the order of the picture and end the other way round', async () => {
  const { runtime, log } = setup();
  await runtime.start();
  assert.equal(runtime.status().state, 'running');
  await runtime.stop();
  await runtime.stopped;
  assert.deepEqual(log, ['+threads', '+pipeline', 'drain', '-pipeline', '-threads']);
  assert.equal(runtime.status().state, 'stopped');
  assert.equal(runtime.status().broker.state, 'stopped');
});

test('starting twice is one start, stopping twice is one stop', async () => {
  const { runtime, log } = setup();
  await Promise.all([runtime.start(), runtime.start()]);
  await Promise.all([runtime.stop(), runtime.stop(), runtime[Symbol.asyncDispose]()]);
  assert.equal(log.length, 5);
});

test('a part that does not start rejects the start with its error and leaves nothing running', async () => {
  const refused = new RuntimeError('E_TASK_MODULE_EMPTY', 'no task');
  const { runtime, log } = setup({ executorStart: () => Promise.reject(refused) });
  await assert.rejects(runtime.start(), refused);
  await assert.rejects(runtime.stopped, refused);
  const status = runtime.status();
  assert.deepEqual([status.state, status.health, status.broker.state], ['failed', 'failed', 'stopped']);
  assert.deepEqual(status.failure, { code: 'E_TASK_MODULE_EMPTY', message: 'no task' });
  assert.deepEqual(log, ['+threads']);
  await runtime.stop();
});

test('a pipeline that does not start takes the threads down again', async () => {
  const { runtime, log } = setup({
    pipelineStart: () => Promise.reject(new RuntimeError('E_BROKER_QUEUE_MISSING', 'no queue')),
  });
  await assert.rejects(runtime.start(), { code: 'E_BROKER_QUEUE_MISSING' });
  assert.deepEqual(log, ['+threads', '+pipeline', '-pipeline', '-threads']);
});

test('a fatal error of the pipeline drains, closes everything and rejects `stopped`', async () => {
  const bench = setup();
  await bench.runtime.start();
  const error = new RuntimeError('E_THREADS_EXHAUSTED', 'threads die as fast as they are replaced');
  bench.fatal(error);
  bench.fatal(new RuntimeError('E_STATE', 'a second one is not the reason any more'));
  assert.equal(bench.runtime.status().state, 'failed');
  await assert.rejects(bench.runtime.stopped, error);
  assert.deepEqual(bench.log.slice(2), ['drain', '-pipeline', '-threads']);
  await bench.runtime.stop();
  assert.equal(bench.runtime.status().failure?.code, 'E_THREADS_EXHAUSTED');
});

test('a fatal error during the start is the error of the start', async () => {
  const error = new RuntimeError('E_THREADS_EXHAUSTED', 'dead');
  const bench: Bench = setup({ pipelineStart: async () => bench.fatal(error) });
  await assert.rejects(bench.runtime.start(), error);
});

test('a kill does not drain', async () => {
  const { runtime, log } = setup();
  await runtime.start();
  await runtime.kill();
  await runtime.stopped;
  assert.deepEqual(log.slice(2), ['-pipeline', '-threads']);
});

test('a kill cuts a drain short', async () => {
  const drained = deferred<number>();
  const { runtime } = setup({ drain: () => drained.promise });
  await runtime.start();
  const stopping = runtime.stop();
  await Promise.all([runtime.kill(), stopping]);
  assert.equal(runtime.status().state, 'stopped');
  drained.resolve(0);
});

test('a stop during the start waits for it, and then stops', async () => {
  const loaded = deferred<void>();
  const { runtime, log } = setup({ executorStart: () => loaded.promise });
  const starting = runtime.start();
  const stopping = runtime.stop();
  loaded.resolve();
  await Promise.all([starting, stopping]);
  assert.deepEqual(log.at(-1), '-threads');
  assert.equal(runtime.status().state, 'stopped');
});

test('a runtime that was stopped before its start stays stopped', async () => {
  const { runtime, log } = setup();
  await runtime.stop();
  await runtime.stopped;
  await assert.rejects(runtime.start(), { code: 'E_STATE' });
  assert.deepEqual(log, []);
});

test('a part that does not stop makes the stop and `stopped` reject, after the others were stopped', async () => {
  const stuck = new Error('stuck');
  const { runtime } = setup({ executorStop: () => Promise.reject(stuck) });
  await runtime.start();
  await assert.rejects(runtime.stop(), stuck);
  await assert.rejects(runtime.stopped, stuck);
  assert.deepEqual([runtime.status().state, runtime.status().broker.state], ['failed', 'stopped']);
});

test('a drain that fails still closes everything, and is the reason', async () => {
  const { runtime, log } = setup({ drain: () => Promise.reject(new Error('no drain')) });
  await runtime.start();
  await runtime.stop();
  await assert.rejects(runtime.stopped, { message: 'no drain' });
  assert.deepEqual(log.slice(-2), ['-pipeline', '-threads']);
});

test('a broker that the caller made is started and left open', async () => {
  const broker = new MemoryBroker();
  const runtime = new WorkerRuntime(
    {
      broker,
      store: undefined,
      executor: {
        kind: 'fake',
        threads: 1,
        start: async () => {},
        stop: async () => {},
        tasks: () => [],
        run: () => assert.fail(),
        load: () => ({ busyMs: 0, aliveMs: 0 }),
        abort: () => {},
        terminate: () => {},
      },
      threads: new ThreadWatch(SILENT_LOGGER),
      logger: SILENT_LOGGER,
      createPipeline: () => ({
        start: async () => {},
        stop: async () => {},
        drain: async () => 0,
        counters: () => COUNTERS,
        sizes: () => [],
      }),
    },
    resolveOptions({ tasks: 'tasks.js', broker }),
  );
  await runtime.start();
  await runtime.stop();
  assert.equal(broker.health().state, 'connected');
  assert.ok(broker.virtualHost.hasQueue('default'), 'what was missing was declared');
  assert.ok(broker.virtualHost.hasQueue('default.dead'));
});

test('stats before the pipeline exists are refused with a code', () => {
  assert.throws(() => setup().runtime.stats(), { code: 'E_STATE' });
});

test('stats tell how busy the threads were', async () => {
  const { runtime } = setup();
  await runtime.start();
  assert.deepEqual(runtime.stats().threads, { busyMs: 30, aliveMs: 120, busyShare: 0.25 });
  await runtime.stop();
});
