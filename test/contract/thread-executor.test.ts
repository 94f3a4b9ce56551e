import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DONE, Ledger, RUNNING, WAITING } from '../../src/batch/ledger.ts';
import type { ExecutorListener } from '../../src/executor/executor.ts';
import {
  ThreadExecutor,
  type ThreadExecutorOptions,
  type ThreadLimits,
} from '../../src/executor/thread/thread-executor.ts';
import { makeBatch } from '../support/make-batch.ts';
import { until } from '../support/until.ts';
import { call, runMessages, taskFixture, WELL_BEHAVED } from './executor-rig.ts';
import { exerciseExecutor } from './exercise-executor.ts';
import { exerciseService } from './exercise-service.ts';

exerciseExecutor('thread executor', (fixture, listener) => new ThreadExecutor({ threads: 1, ...fixture }, listener));
exerciseService('thread executor', () => new ThreadExecutor({ threads: 1, tasks: WELL_BEHAVED }), { rounds: 6 });

const MIB = 1_048_576;
const NO_LIMITS: ThreadLimits = {
  heapBytes: undefined,
  recycleTasks: undefined,
  recycleHeapBytes: undefined,
  recycleAgeMs: undefined,
};
const DEADLY = taskFixture('deadly.ts');

/** What happened to threads, in order. */
class Recorder implements ExecutorListener {
  readonly started: number[] = [];
  readonly exited: { threadId: number; reason: string }[] = [];
  readonly stray: Error[] = [];
  readonly logged: NonNullable<ExecutorListener['logged']>;
  begun = 0;

  constructor() {
    this.logged = (_level, message) => {
      if (message === 'begun') this.begun++;
    };
  }

  threadStarted(threadId: number): void {
    this.started.push(threadId);
  }

  threadExited(threadId: number, reason: string): void {
    this.exited.push({ threadId, reason });
  }

  strayError(error: Error): void {
    this.stray.push(error);
  }
}

describe('a thread executor whose threads die', { timeout: 120_000 }, () => {
  const recorder = new Recorder();
  let executor: ThreadExecutor;
  before(async () => {
    executor = make({ tasks: DEADLY, threads: 1, limits: { ...NO_LIMITS, heapBytes: 64 * MIB } }, recorder);
    await executor.start();
  });
  after(() => executor.stop());

  const deaths: readonly [string, RegExp][] = [
    ['exiting', /process\.exit\(3\) was called/],
    ['leaving-uncaught', /thrown outside of the task/],
    ['filling-heap', /its heap grew beyond the limit of 64 MiB/],
  ];
  for (const [task, reason] of deaths) {
    test(`${task}: the run rejects with E_THREAD_DIED once the thread has exited, and another takes its place`, async () => {
      const exits = recorder.exited.length;
      const ledger = Ledger.allocate(2);
      const buffer = makeBatch([call('exiting'), call(task)]);
      ledger.set(0, DONE);
      await assert.rejects(
        executor.run({ buffer, ledger: ledger.shared, queue: 'calls', defaultTask: undefined }),
        (error) => {
          const { code, message, details } = error as Error & {
            code: string;
            details: { threadId: number; reason: string };
          };
          assert.equal(code, 'E_THREAD_DIED');
          assert.match(message, reason);
          assert.match(details.reason, reason);
          assert.equal(details.threadId, ledger.threadId);
          assert.equal(recorder.exited.length, exits + 1, 'the thread has exited');
          return true;
        },
      );
      assert.equal(ledger.state(1), RUNNING);
      assert.equal((await runMessages(executor, [call('leaving-timer')])).count, 1);
    });
  }

  test('a timer left over by an earlier task charges nobody: the error is reported and the thread replaced', async () => {
    const strays = recorder.stray.length;
    await runMessages(executor, [call('leaving-timer')]);
    await until('the timer has thrown', () => recorder.stray.length > strays);
    assert.equal(recorder.stray.at(-1)?.message, 'left over');
    assert.equal((await runMessages(executor, [call('harmless')])).count, 1);
  });

  test('both runs of a dying thread reject, and the ledger of each says how far it was', async () => {
    const begun = recorder.begun;
    const [first, second] = [Ledger.allocate(2), Ledger.allocate(2)];
    const runs = [
      executor.run({
        buffer: makeBatch([call('never'), call('never')]),
        ledger: first.shared,
        queue: 'q',
        defaultTask: undefined,
      }),
      executor.run({
        buffer: makeBatch([call('harmless'), call('exiting')]),
        ledger: second.shared,
        queue: 'q',
        defaultTask: undefined,
      }),
    ];
    const results = await Promise.allSettled(runs);
    assert.deepEqual(
      results.map((result) => result.status === 'rejected' && (result.reason as { code?: string }).code),
      ['E_THREAD_DIED', 'E_THREAD_DIED'],
    );
    assert.deepEqual([first.state(0), first.state(1)], [RUNNING, WAITING]);
    assert.equal(second.state(1), RUNNING);
    assert.equal(first.threadId, second.threadId);
    assert.ok(recorder.begun > begun);
  });

  test('a buffer that holds no batch rejects without blaming a thread', async () => {
    const exits = recorder.exited.length;
    const ledger = Ledger.allocate(1).shared;
    const wrong = executor.run({ buffer: new ArrayBuffer(64), ledger, queue: 'q', defaultTask: undefined });
    await assert.rejects(wrong, { code: 'E_STATE', message: /holds no batch/ });
    const unsendable = executor.run({
      buffer: new SharedArrayBuffer(64) as never,
      ledger,
      queue: 'q',
      defaultTask: undefined,
    });
    await assert.rejects(unsendable, { code: 'ERR_INVALID_TRANSFER_OBJECT' });
    assert.equal(recorder.exited.length, exits);
    assert.equal((await runMessages(executor, [call('harmless')])).count, 1);
  });
});

describe('a thread executor', { timeout: 120_000 }, () => {
  test('spreads runs over all of its threads', async (t) => {
    const executor = make({ tasks: DEADLY, threads: 2 }, new Recorder(), t);
    await executor.start();
    const ledgers = Array.from({ length: 2 }, () => Ledger.allocate(1));
    await Promise.all(
      ledgers.map((ledger) =>
        executor.run({
          buffer: makeBatch([call('leaving-timer')]),
          ledger: ledger.shared,
          queue: 'q',
          defaultTask: undefined,
        }),
      ),
    );
    assert.notEqual(ledgers[0]?.threadId, ledgers[1]?.threadId);
  });

  test('stops though a task computes for ever, and the run rejects after the exit', async () => {
    const recorder = new Recorder();
    const executor = make({ tasks: DEADLY, threads: 1 }, recorder);
    await executor.start();
    const ledger = Ledger.allocate(1);
    const running = executor.run({
      buffer: makeBatch([call('spinning')]),
      ledger: ledger.shared,
      queue: 'q',
      defaultTask: undefined,
    });
    const rejected = assert.rejects(running, { code: 'E_THREAD_DIED', message: /the executor was stopped/ });
    await until('the task has begun', () => ledger.state(0) === RUNNING);
    await executor.stop();
    await rejected;
    assert.equal(recorder.exited.length, recorder.started.length);
    assert.equal(executor.state, 'stopped');
  });

  test('a module that ends its thread while it loads rejects the start, and no thread is left', async () => {
    const recorder = new Recorder();
    const executor = make({ tasks: taskFixture('exits-at-load.ts'), threads: 2 }, recorder);
    await assert.rejects(executor.start(), {
      code: 'E_TASK_MODULE_LOAD',
      message: /exits-at-load\.ts cannot be loaded: .*process\.exit\(7\) was called/,
    });
    assert.equal(executor.state, 'failed');
    assert.equal(recorder.exited.length, recorder.started.length);
    await executor.stop();
  });

  test('threads that die again and again without beginning a batch are given up with E_THREADS_EXHAUSTED', async () => {
    const recorder = new Recorder();
    const executor = make({ tasks: taskFixture('dies-after-load.ts'), threads: 1 }, recorder);
    await executor.start();
    await until('it has given up', () => executor.state === 'failed', 60_000);
    await assert.rejects(runMessages(executor, []), {
      code: 'E_THREADS_EXHAUSTED',
      message: /thrown by the module itself/,
    });
    await executor.stop();
    assert.equal(recorder.exited.length, recorder.started.length);
    assert.ok(recorder.started.length < 20, `${recorder.started.length} threads were started`);
  });
});

function make(
  options: ThreadExecutorOptions,
  listener: Recorder,
  t?: { after(fn: () => Promise<void>): void },
): ThreadExecutor {
  const executor = new ThreadExecutor(options, listener);
  t?.after(() => executor.stop());
  return executor;
}
