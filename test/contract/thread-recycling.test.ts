/** Threads that are replaced while work streams through them: nothing is lost, nothing fails, never two at once. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { ExecutorListener } from '../../src/executor/executor.ts';
import { ThreadExecutor, type ThreadLimits } from '../../src/executor/thread/thread-executor.ts';
import { call, type Ran, runMessages, taskFixture } from './executor-rig.ts';

const ENDURING = taskFixture('enduring.ts');
const MIB = 1_048_576;
const NO_LIMITS: ThreadLimits = {
  heapBytes: undefined,
  recycleTasks: undefined,
  recycleHeapBytes: undefined,
  recycleAgeMs: undefined,
};
const BATCH = 10;
/** Batches: some ten times as many as ever needed, also where a thread looks at its heap once a second. */
const MOST = 200_000;

/** Watches who is away, at every moment. */
class Watch implements ExecutorListener {
  readonly reasons: string[] = [];
  readonly exits: string[] = [];
  readonly faults: string[] = [];
  readonly #leaving = new Set<number>();
  readonly #threads: number;
  #started = 0;

  constructor(threads: number) {
    this.#threads = threads;
  }

  threadStarted(): void {
    this.#started++;
  }

  recycled(threadId: number, reason: string): void {
    if (this.#leaving.size > 0) this.faults.push(`${threadId} leaves while ${[...this.#leaving].join()} does`);
    if (this.#started - this.exits.length < this.#threads) this.faults.push(`${threadId} leaves while one is missing`);
    this.#leaving.add(threadId);
    this.reasons.push(reason);
  }

  threadExited(threadId: number, reason: string): void {
    if (!this.#leaving.delete(threadId) && reason !== 'the executor was stopped') this.faults.push(reason);
    this.exits.push(reason);
  }
}

interface Cause {
  readonly name: string;
  readonly task: string;
  readonly limits: Partial<ThreadLimits>;
  readonly reason: RegExp;
}

interface Stream {
  readonly task: string;
  /** Batches in flight at once. */
  readonly width: number;
  /** Where it ends in any case, so that a fault ends in a failed assertion. */
  readonly most: number;
  readonly enough: () => boolean;
}

/** Keeps batches in flight until it is enough; each has its right answer. Returns how many there were. */
async function stream(executor: ThreadExecutor, { task, width, most, enough }: Stream): Promise<number> {
  let batches = 0;
  const worker = async (): Promise<void> => {
    while (!enough() && batches < most) {
      const first = BATCH * batches++;
      const numbers = Array.from({ length: BATCH }, (_, n) => first + n);
      checkAnswer(
        await runMessages(
          executor,
          numbers.map((n) => call(task, { n })),
        ),
        task,
        first,
      );
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return batches;
}

function checkAnswer(ran: Ran, task: string, first: number): void {
  assert.equal(ran.count, BATCH);
  const odd = task === 'leaking' ? [] : Array.from({ length: BATCH / 2 }, (_, n) => 2 * n + 1);
  assert.deepEqual(
    ran.others.map(({ index, kind, error }) => ({ index, kind, message: error?.message })),
    odd.map((index) => ({ index, kind: 'failed', message: `${first + index} is odd` })),
  );
}

describe('a thread executor that recycles its threads', { timeout: 120_000 }, () => {
  const causes: readonly Cause[] = [
    {
      name: 'after so many tasks',
      task: 'even',
      limits: { recycleTasks: 200 },
      reason: /^recycled after \d{3,} tasks$/,
    },
    {
      name: 'when their heap has grown',
      task: 'leaking',
      limits: { recycleHeapBytes: 48 * MIB },
      reason: /^recycled because its heap has grown to \d+ MiB$/,
    },
    {
      name: 'when they are old',
      task: 'even-later',
      limits: { recycleAgeMs: 50 },
      reason: /^recycled because it is older than 50ms$/,
    },
  ];
  for (const { name, task, limits, reason } of causes) {
    test(`${name}: all answers are right, and never two threads are away`, async (t) => {
      const { executor, watch } = await start(t, 2, limits);
      await stream(executor, { task, width: 4, most: MOST, enough: () => watch.exits.length >= 3 });
      assert.deepEqual(watch.faults, []);
      assert.ok(watch.reasons.length >= 3);
      for (const said of watch.reasons) assert.match(said, reason);
      assert.deepEqual(watch.exits, watch.reasons.slice(0, watch.exits.length));
    });
  }

  test('with one thread: what comes while it is replaced waits and loses nothing', async (t) => {
    const { executor, watch } = await start(t, 1, { recycleTasks: 50 });
    const batches = await stream(executor, {
      task: 'even-later',
      width: 2,
      most: 10_000,
      enough: () => watch.exits.length >= 3,
    });
    assert.deepEqual(watch.faults, []);
    assert.ok(batches >= 15, `${batches} batches of ${BATCH} wear out three threads of 50 tasks`);
  });

  test('without limits none is ever replaced', async (t) => {
    const { executor, watch } = await start(t, 2, {});
    await stream(executor, { task: 'even', width: 4, most: 100, enough: () => false });
    assert.deepEqual([watch.reasons, watch.exits, watch.faults], [[], [], []]);
  });
});

async function start(
  t: TestContext,
  threads: number,
  limits: Partial<ThreadLimits>,
): Promise<{ executor: ThreadExecutor; watch: Watch }> {
  const watch = new Watch(threads);
  const executor = new ThreadExecutor({ tasks: ENDURING, threads, limits: { ...NO_LIMITS, ...limits } }, watch);
  t.after(() => executor.stop());
  await executor.start();
  return { executor, watch };
}
