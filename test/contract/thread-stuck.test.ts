/** Threads that are ended from outside: at once where they run JavaScript, late where native code holds them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ledger, RUNNING } from '../../src/batch/ledger.ts';
import type { ExecutorListener } from '../../src/executor/executor.ts';
import { ThreadExecutor } from '../../src/executor/thread/thread-executor.ts';
import { makeBatch } from '../support/make-batch.ts';
import { until } from '../support/until.ts';
import { call, runMessages, taskFixture } from './executor-rig.ts';

const ENDURING = taskFixture('enduring.ts');
const DEADLY = taskFixture('deadly.ts');
/** About two seconds of native code on a machine of today. */
const ITERATIONS = 3_000_000;
const REASON = 'it took too long';

class Recorder implements ExecutorListener {
  started: number[] = [];
  exited: string[] = [];
  stuckThreads: { threadId: number; reason: string }[] = [];
  error: Error | undefined;
  begun = 0;

  logged(): void {
    this.begun++;
  }

  threadStarted(threadId: number): void {
    this.started.push(threadId);
  }

  threadExited(_threadId: number, reason: string): void {
    this.exited.push(reason);
  }

  stuck(threadId: number, reason: string): void {
    this.stuckThreads.push({ threadId, reason });
  }

  exhausted(error: Error): void {
    this.error = error;
  }
}

/** A batch of one task that has begun. */
async function begin(
  executor: ThreadExecutor,
  task: string,
  payload: unknown = {},
): Promise<{ ledger: Ledger; running: Promise<ArrayBuffer> }> {
  const ledger = Ledger.allocate(1);
  const buffer = makeBatch([call(task, payload)]);
  const running = executor.run({ buffer, ledger: ledger.shared, queue: 'q', defaultTask: undefined });
  await until('the task has begun', () => ledger.state(0) === RUNNING);
  return { ledger, running };
}

interface Held {
  readonly threadId: number;
  readonly rejected: Promise<void>;
}

/**
 * A thread that is stuck: ended while native code holds it. Nothing tells when exactly a thread enters native code, so
 * one that still ran JavaScript and ended at once is passed over.
 */
async function holdOne(executor: ThreadExecutor, recorder: Recorder): Promise<Held> {
  for (let round = 1; round <= 10; round++) {
    const begun = recorder.begun;
    const { ledger, running } = await begin(executor, 'native', { iterations: ITERATIONS });
    await until('it is about to enter native code', () => recorder.begun > begun);
    executor.terminate(ledger.threadId, REASON);
    const rejected = assert.rejects(running, { code: 'E_THREAD_DIED', message: /it took too long/ });
    await until('it is stuck or has ended', () => recorder.stuckThreads.length > 0 || recorder.exited.length === round);
    if (recorder.stuckThreads.length > 0) return { threadId: ledger.threadId, rejected };
    await rejected;
  }
  throw new Error('no thread was caught in native code');
}

describe('terminate', { timeout: 60_000 }, () => {
  test('ends a thread in an endless loop; its run rejects with the reason, and another thread takes its place', async (t) => {
    const recorder = new Recorder();
    const executor = new ThreadExecutor({ tasks: DEADLY, threads: 1 }, recorder);
    t.after(() => executor.stop());
    await executor.start();
    const { ledger, running } = await begin(executor, 'spinning');
    executor.terminate(ledger.threadId, 'it ran for longer than 5s');
    executor.terminate(ledger.threadId, 'a second call changes nothing');
    await assert.rejects(running, {
      code: 'E_THREAD_DIED',
      message: /it ran for longer than 5s/,
      details: { threadId: ledger.threadId, reason: 'it ran for longer than 5s' },
    });
    assert.deepEqual(recorder.exited, ['it ran for longer than 5s']);
    assert.equal((await runMessages(executor, [call('leaving-timer')])).count, 1);
    assert.deepEqual(recorder.stuckThreads, []);
  });

  test('gives a thread that is to end no more batches: those given meanwhile run in the next one', async (t) => {
    const recorder = new Recorder();
    const executor = new ThreadExecutor({ tasks: ENDURING, threads: 1 }, recorder);
    t.after(() => executor.stop());
    await executor.start();
    const [first] = recorder.started;
    assert.ok(first);
    executor.terminate(first, 'for a test');
    const rans = await Promise.all([1, 2, 3].map(() => runMessages(executor, [call('even', { n: 2 })])));
    assert.deepEqual(
      rans.map((ran) => ran.count),
      [1, 1, 1],
    );
    assert.deepEqual(recorder.exited, ['for a test']);
  });

  test('ends a thread that is only just being started, and it is replaced all the same', async (t) => {
    const recorder = new Recorder();
    const executor = new ThreadExecutor({ tasks: ENDURING, threads: 1 }, recorder);
    t.after(() => executor.stop());
    await executor.start();
    executor.terminate(recorder.started[0] ?? 0, 'the first');
    await until('its replacement is being started', () => recorder.started.length === 2);
    executor.terminate(recorder.started[1] ?? 0, 'the second');
    assert.equal((await runMessages(executor, [call('even', { n: 2 })])).count, 1);
    assert.deepEqual(recorder.exited, ['the first', 'the second']);
  });

  test('of a thread that is not there does nothing', async (t) => {
    const executor = new ThreadExecutor({ tasks: ENDURING, threads: 1 }, new Recorder());
    executor.terminate(1, 'before the start');
    t.after(() => executor.stop());
    await executor.start();
    executor.terminate(0, 'nobody has the batch yet');
    executor.terminate(1_000_000, 'unknown');
    assert.equal((await runMessages(executor, [call('even', { n: 2 })])).count, 1);
  });

  test('is no death: however many threads we end, the executor does not give up', async (t) => {
    const recorder = new Recorder();
    const executor = new ThreadExecutor({ tasks: ENDURING, threads: 4 }, recorder);
    t.after(() => executor.stop());
    await executor.start();
    for (let round = 1; round <= 3; round++) {
      for (const threadId of recorder.started.slice(-4)) executor.terminate(threadId, 'for a test');
      await until('all were ended and replaced', () => recorder.started.length === 4 + 4 * round, 30_000);
    }
    assert.equal(recorder.exited.length, 12);
    assert.equal(recorder.error, undefined);
    assert.equal(executor.state, 'running');
  });
});

describe('a thread that native code holds', { timeout: 60_000 }, () => {
  test('is called stuck and gets no batch, while the others go on; it is replaced when it ends after all', async (t) => {
    const recorder = new Recorder();
    const executor = new ThreadExecutor({ tasks: ENDURING, threads: 2, stuckAfterMs: 100 }, recorder);
    t.after(() => executor.stop());
    await executor.start();
    const { threadId: held, rejected } = await holdOne(executor, recorder);
    const { length: exits } = recorder.exited;
    assert.deepEqual(recorder.stuckThreads, [{ threadId: held, reason: REASON }]);
    const ledgers = Array.from({ length: 6 }, () => Ledger.allocate(1));
    await Promise.all(
      ledgers.map(({ shared }) =>
        executor.run({
          buffer: makeBatch([call('even', { n: 2 })]),
          ledger: shared,
          queue: 'q',
          defaultTask: undefined,
        }),
      ),
    );
    assert.equal(recorder.exited.length, exits, 'it is still held');
    assert.ok(ledgers.every(({ threadId }) => threadId !== held && threadId > 0));
    await rejected;
    await until('it is replaced', () => recorder.started.length === exits + 3);
    assert.equal(recorder.stuckThreads.length, 1);
  });

  test('makes stop reject with E_THREAD_STUCK instead of waiting for ever, and no other thread is left or started', async () => {
    const recorder = new Recorder();
    const executor = new ThreadExecutor({ tasks: ENDURING, threads: 2, stuckAfterMs: 100 }, recorder);
    await executor.start();
    const { threadId, rejected } = await holdOne(executor, recorder);
    const { length: exits } = recorder.exited;
    await assert.rejects(executor.stop(), {
      code: 'E_THREAD_STUCK',
      message: `thread ${threadId} does not end: native code in a task holds it; end the process`,
    });
    assert.deepEqual(recorder.exited.slice(exits), ['the executor was stopped'], 'the other one alone has ended');
    assert.equal(executor.state, 'failed');
    await assert.rejects(executor.stop(), { code: 'E_THREAD_STUCK' });
    await rejected;
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.equal(recorder.started.length, exits + 2, 'nothing is started after the stop');
  });
});
