import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DONE, OTHER } from '../../src/batch/ledger.ts';
import { until } from '../support/until.ts';
import { call, type ExecutorRig, type LogLine } from './executor-rig.ts';

/** What tasks are told, and what is stored and logged of what they say. */
export function exerciseEffects(rig: ExecutorRig): void {
  test('effects are stored under the ids of their tasks, and running again stores nothing twice', async () => {
    const messages = [
      call('insert', { n: 1 }, 'e-1'),
      call('insert-twice', { n: 2 }, 'e-2'),
      call('insert-later', { n: 3 }, 'e-3'),
    ];
    const first = await rig.run(messages);
    assert.deepEqual([first.others, first.states], [[], [DONE, DONE, DONE]]);
    assert.equal(rig.store.find('seen', 'e-1')?.['n'], 1);
    assert.equal(rig.store.find('seen', 'e-2')?.['n'], 2);
    assert.equal(rig.store.find('others', 'e-2:1')?.['n'], 2);
    assert.equal(rig.store.find('seen', 'e-3')?.['n'], 3);
    const stored = rig.store.count('seen');
    assert.deepEqual((await rig.run(messages)).others, []);
    assert.equal(rig.store.count('seen'), stored);
  });

  test('updates are applied once, together with the task’s other effects, and a bad one fails its task alone', async () => {
    const messages = [
      call('updating', { n: 1 }, 'u-1'),
      call('updating-badly', {}, 'u-2'),
      call('updating', { n: 2 }, 'u-3'),
    ];
    // At the first update the memory store loads what it takes, for longer than this one waits when the machine is busy.
    let first = await rig.run(messages);
    while (first.others.some(({ kind }) => kind === 'unknown')) first = await rig.run(messages);
    for (const ran of [first, await rig.run(messages)]) {
      assert.deepEqual(
        ran.others.map(({ index, kind, error }) => [index, kind, error?.code]),
        [[1, 'failed', 'E_STORE_REFUSED']],
      );
      assert.deepEqual(ran.states, [DONE, OTHER, DONE]);
    }
    assert.deepEqual(rig.store.find('counters', 'all'), { _id: 'all', n: 3 });
    assert.equal(rig.store.find('counted', 'u-3')?.['n'], 2);
    assert.equal(rig.store.count('counted'), 2);
  });

  test('an effect that could hit any document fails its task', async () => {
    const ran = await rig.run([call('wiping')]);
    assert.equal(ran.others[0]?.error?.code, 'E_TASK_OUTCOME');
  });

  test('messages without an id are counted, and get the same ids when the same slab runs again', async () => {
    const place = { firstTag: 900, salt: 77, openedAtMs: 1_700_000_000_000 };
    const stored = rig.store.count('seen');
    const first = await rig.run(
      [call('insert', { n: 1 }), call('insert', { n: 2 }), call('nothing', {}, 'has-one')],
      place,
    );
    assert.equal(first.withoutId, 2);
    await rig.run([call('insert', { n: 1 }), call('insert', { n: 2 })], place);
    assert.equal(rig.store.count('seen'), stored + 2);
  });

  test('raw bytes reach the handler and the store as they are', async () => {
    const body = Buffer.from([0, 255, 128, 7]);
    await rig.run([{ properties: { type: 'raw-bytes', messageId: 'raw', contentEncoding: 'gzip' }, body }]);
    assert.equal(rig.store.find('seen', 'raw')?.['length'], 4);
    const stored = rig.store.find('seen', 'raw')?.['bytes'] as { buffer: Uint8Array };
    assert.deepEqual(Buffer.from(stored.buffer), body);
  });

  test('a context knows its message', async () => {
    const properties = {
      type: 'contextual',
      messageId: 'ctx',
      correlationId: 'c-1',
      headers: { 'x-attempt': 4, tenant: 'a' },
    };
    await rig.run([{ properties, body: '{}', redelivered: true }]);
    const { _id, ...seen } = rig.store.find('seen', 'ctx') ?? {};
    assert.deepEqual(seen, {
      id: 'ctx',
      task: 'contextual',
      queue: 'calls',
      attempt: 4,
      redelivered: true,
      headers: { 'x-attempt': 4, tenant: 'a' },
      correlationId: 'c-1',
      aborted: false,
    });
    assert.equal(_id, 'ctx');
  });

  test('what a task logs arrives with its task and id, whatever its fields are', async () => {
    await rig.run([call('logging', {}, 'log-1')]);
    const mine = (): LogLine[] => rig.lines.filter((line) => line.fields['id'] === 'log-1');
    await until('both lines', () => mine().length === 2);
    assert.deepEqual(mine()[0], {
      level: 'info',
      message: 'a line',
      fields: { task: 'logging', id: 'log-1', queue: 'calls', extra: 1 },
    });
    assert.equal(mine()[1]?.level, 'warn');
  });

  test('while the store is away the outcome of effects is unknown, and of other tasks it is not', async () => {
    rig.store.goAway();
    const ran = await rig.run([call('insert', { n: 1 }, 'away-1'), call('nothing')]);
    rig.store.comeBack();
    assert.deepEqual(
      ran.others.map(({ index, kind }) => [index, kind]),
      [[0, 'unknown']],
    );
    assert.deepEqual(ran.states, [OTHER, DONE]);
    assert.deepEqual((await rig.run([call('insert', { n: 1 }, 'away-1')])).others, []);
    assert.ok(rig.store.find('seen', 'away-1'));
  });
}
