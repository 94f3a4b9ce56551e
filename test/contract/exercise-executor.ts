import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DONE, Ledger, TAKEN_BACK } from '../../src/batch/ledger.ts';
import { makeBatch } from '../support/make-batch.ts';
import {
  call,
  DEADLINES,
  ExecutorRig,
  type MakeExecutor,
  runMessages,
  taskFixture,
  WELL_BEHAVED,
} from './executor-rig.ts';
import { exerciseConcurrency } from './exercise-executor-concurrency.ts';
import { exerciseDeadlines, exercisePostponing } from './exercise-executor-deadlines.ts';
import { exerciseEffects } from './exercise-executor-effects.ts';
import { exerciseOutcomes } from './exercise-executor-outcomes.ts';

/** What every executor must do. */
export function exerciseExecutor(name: string, make: MakeExecutor): void {
  describe(name, { timeout: 120_000 }, () => {
    const rig = new ExecutorRig(make);
    exerciseRuns(rig);
    exerciseOutcomes(rig);
    exerciseEffects(rig);
    exerciseConcurrency(rig);
    exerciseStarts(make);
  });
  describe(`${name}, postponed and timed`, { timeout: 120_000 }, () => {
    const rig = new ExecutorRig(make, DEADLINES);
    exercisePostponing(rig);
    exerciseDeadlines(rig);
  });
}

function exerciseRuns(rig: ExecutorRig): void {
  test('describes the tasks of its module', () => {
    const described = new Map(rig.executor.tasks().map((task) => [task.name, task]));
    const plain = { queue: undefined, retry: undefined, timeoutMs: 902_000, expiredQueue: undefined };
    assert.deepEqual(described.get('counted'), { ...plain, name: 'counted', kind: 'task', concurrency: 3 });
    assert.deepEqual(described.get('rows'), { ...plain, name: 'rows', kind: 'batch', concurrency: 1, queue: 'matrix' });
    assert.deepEqual(described.get('with-options'), {
      name: 'with-options',
      kind: 'task',
      concurrency: 1,
      queue: undefined,
      retry: { attempts: 5, delay: '250ms', never: ['E_MINE'] },
      timeoutMs: 21_500,
      expiredQueue: 'late',
    });
  });

  test('says how long its threads were busy, of how long they were there', async () => {
    const before = rig.executor.load();
    await rig.run(Array.from({ length: 200 }, (_, n) => call('value', { n }, `load-${n}`)));
    const after = rig.executor.load();
    const [busyMs, aliveMs] = [after.busyMs - before.busyMs, after.aliveMs - before.aliveMs];
    assert.ok(busyMs > 0 && busyMs <= aliveMs, `${busyMs} of ${aliveMs}`);
  });

  test('runs a batch in which all succeed, and its answer is its header alone', async () => {
    const ran = await rig.run(
      Array.from({ length: 50 }, (_, n) => call(n % 2 === 0 ? 'nothing' : 'value', { n }, `id-${n}`)),
    );
    assert.equal(ran.count, 50);
    assert.equal(ran.handlerCalls, 50);
    assert.equal(ran.withoutId, 0);
    assert.deepEqual(ran.others, []);
    assert.ok(ran.states.every((state) => state === DONE));
    assert.ok(ran.busyMs >= 0 && ran.busyMs < 10_000);
  });

  test('runs an empty batch', async () => {
    assert.equal((await rig.run([])).count, 0);
  });

  test('runs only what the ledger shows as waiting', async () => {
    const ran = await rig.run(
      [call('insert', { n: 1 }, 'only-1'), call('insert', { n: 2 }, 'only-2'), call('rows', { n: 3 }, 'only-3')],
      {
        except: [1, 2],
      },
    );
    assert.equal(ran.count, 1);
    assert.deepEqual(ran.states, [DONE, TAKEN_BACK, TAKEN_BACK]);
    assert.ok(rig.store.find('seen', 'only-1'));
    assert.equal(rig.store.find('seen', 'only-2'), undefined);
    assert.equal(rig.store.find('seen', 'only-3'), undefined);
  });
}

function exerciseStarts(make: MakeExecutor): void {
  test('without a store, a task that returns an effect fails with E_STORE_MISSING and others succeed', async (t) => {
    const alone = make({ tasks: WELL_BEHAVED });
    t.after(() => alone.stop());
    await alone.start();
    const { others } = await runMessages(alone, [call('insert', { n: 1 }), call('nothing')]);
    assert.deepEqual(
      others.map(({ index, error }) => [index, error?.code]),
      [[0, 'E_STORE_MISSING']],
    );
  });

  const badModules: readonly [string, string, RegExp][] = [
    ['empty.ts', 'E_TASK_MODULE_EMPTY', /empty\.ts exports alsoNone, notATask, but no task/],
    ['twice.ts', 'E_TASK_DUPLICATE', /"first" and "second" both define the task "same-name"/],
    ['broken.ts', 'E_TASK_MODULE_LOAD', /broken\.ts cannot be loaded: E_OPTION_UNKNOWN.*did you mean "concurrency"/],
    ['no-such-file.ts', 'E_TASK_MODULE_LOAD', /no-such-file\.ts cannot be loaded/],
  ];

  for (const [file, code, message] of badModules) {
    test(`a start with ${file} rejects with ${code} in one line`, async () => {
      const bad = make({ tasks: taskFixture(file) });
      await assert.rejects(bad.start(), (error: Error & { code: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n'), error.message);
        return true;
      });
      await bad.stop();
    });
  }

  test('a store that cannot be opened rejects the start with its error', async () => {
    const module = new URL('../fixtures/stores/unopenable.ts', import.meta.url).href;
    const bad = make({ tasks: WELL_BEHAVED, store: { module, config: 'E_STORE_AUTH' } });
    await assert.rejects(bad.start(), { code: 'E_STORE_AUTH', message: 'refused by the fixture' });
    await bad.stop();
  });

  test('runs nothing before its start and after its stop', async () => {
    const idle = make({ tasks: WELL_BEHAVED });
    const request = () => ({
      buffer: makeBatch([]),
      ledger: Ledger.allocate(1).shared,
      queue: 'q',
      defaultTask: undefined,
    });
    await assert.rejects(idle.run(request()), { code: 'E_STATE' });
    await idle.start();
    await idle.stop();
    await assert.rejects(idle.run(request()), { code: 'E_STATE' });
    await assert.rejects(idle.start(), { code: 'E_STATE' });
  });
}
