import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DONE, OTHER } from '../../src/batch/ledger.ts';
import { until } from '../support/until.ts';
import { call, type ExecutorRig } from './executor-rig.ts';

/** Tasks that run beside each other, together, or are told to end. */
export function exerciseConcurrency(rig: ExecutorRig): void {
  test('async handlers run up to their concurrency at once, over two batches together', async () => {
    const batch = Array.from({ length: 8 }, (_, n) => call('counted', { n: 1 + (n % 3) }));
    const [one, two] = await Promise.all([rig.run(batch), rig.run(batch)]);
    assert.equal(one.count + two.count, 16);
    assert.deepEqual([...one.others, ...two.others], []);
    await rig.run(Array.from({ length: rig.executor.threads }, (_, n) => call('most-counted', {}, `most-${n}`)));
    assert.equal(rig.store.find('most', 'most-0')?.['most'], 3);
  });

  test('a batch task gets its rows together, and each row has its own outcome', async () => {
    const ran = await rig.run([
      call('rows', { n: 1 }, 'row-1'),
      call('nothing'),
      call('rows', { n: -1 }, 'row-2'),
      { properties: { type: 'rows' }, body: 'undecodable' },
      call('rows', { n: 0 }, 'row-3'),
    ]);
    assert.deepEqual(
      ran.others.map(({ index, error }) => [index, error?.code, error?.message.slice(0, 17)]),
      [
        [2, 'E_TASK_FAILED', 'row 1 is negative'],
        [3, 'E_BODY_UNDECODABLE', 'the body is not J'],
      ],
    );
    assert.equal(ran.handlerCalls, 2, 'one for the three rows and one for the other task');
    assert.deepEqual(ran.states, [DONE, DONE, OTHER, OTHER, DONE]);
    const { _id, ...row } = rig.store.find('seen', 'row-1') ?? {};
    assert.deepEqual(row, { n: 1, together: 3, id: 'row-1', queue: 'calls' });
  });

  test('rows of a batch task may be promises, each for itself', async () => {
    const ran = await rig.run([
      call('rows-later', { n: 1 }, 'later-1'),
      call('rows-later', { n: -1 }),
      call('rows-later', { n: 2 }, 'later-2'),
    ]);
    assert.deepEqual(
      ran.others.map(({ index, error }) => [index, error?.name]),
      [[1, 'RangeError']],
    );
    assert.ok(rig.store.find('seen', 'later-1'));
    assert.ok(rig.store.find('seen', 'later-2'));
  });

  test('a batch task that throws or returns too few entries fails all its rows; one that returns nothing, none', async () => {
    const few = await rig.run([call('rows-too-few'), call('rows-too-few'), call('nothing')]);
    assert.deepEqual(
      few.others.map(({ index, error }) => [index, error?.code]),
      [
        [0, 'E_TASK_OUTCOME'],
        [1, 'E_TASK_OUTCOME'],
      ],
    );
    assert.match(few.others[0]?.error?.message ?? '', /got 2 rows and returned an array of 1/);
    assert.equal((await rig.run([call('rows-throwing'), call('rows-throwing')])).others.length, 2);
    assert.deepEqual((await rig.run([call('rows-nothing'), call('rows-nothing')])).others, []);
  });

  test('abort ends what waits for its signal, and what has not begun, as interrupted', async () => {
    const begun = rig.lines.length;
    const running = rig.run([call('waiting'), call('waiting'), call('nothing')]);
    await until('the task has begun', () => rig.lines.slice(begun).some((line) => line.message === 'begun'));
    rig.executor.abort();
    const ran = await running;
    assert.deepEqual(
      ran.others.map(({ index, kind }) => [index, kind]),
      [
        [0, 'interrupted'],
        [1, 'interrupted'],
      ],
    );
    assert.deepEqual((await rig.run([call('nothing')])).others, [], 'a later batch runs as ever');
  });
}
