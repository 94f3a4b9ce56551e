import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DONE, OTHER } from '../../src/batch/ledger.ts';
import { call, type ExecutorRig } from './executor-rig.ts';

/** What becomes of each task, whatever its handler, its message or its neighbours do. */
export function exerciseOutcomes(rig: ExecutorRig): void {
  test('a handler that throws fails its own task and no neighbour', async () => {
    const ran = await rig.run([
      call('insert', { n: 1 }, 'beside'),
      call('throwing', { n: 5 }),
      call('rejecting'),
      call('throwing-text'),
    ]);
    assert.deepEqual(
      ran.others.map(({ index, kind, error }) => [index, kind, error?.name, error?.code, error?.message]),
      [
        [1, 'failed', 'RangeError', 'E_TASK_FAILED', 'no 5'],
        [2, 'failed', 'Error', 'ECONNREFUSED', 'the upstream is away'],
        [3, 'failed', 'NonError', 'E_TASK_FAILED', 'a string was thrown instead of an Error: just text'],
      ],
    );
    assert.match(ran.others[0]?.error?.stack ?? '', /well-behaved/, 'the stack leads to the handler');
    assert.equal(ran.others[1]?.error?.cause?.message, 'inner');
    assert.deepEqual(ran.states, [DONE, OTHER, OTHER, OTHER]);
    assert.ok(rig.store.find('seen', 'beside'));
  });

  test('an error that nobody can read still fails its task, and a very long one is cut', async () => {
    assert.equal((await rig.outcomeOf('hostile'))?.kind, 'failed');
    const talkative = await rig.outcomeOf('talkative');
    assert.ok((talkative?.error?.message.length ?? 0) < 3_000);
  });

  test('a failure can be said, and an error that is returned is one', async () => {
    assert.equal((await rig.outcomeOf('saying-failed'))?.error?.message, 'said so');
    assert.equal((await rig.outcomeOf('returning-error'))?.error?.message, 'returned');
  });

  test('effects mixed with other things are E_TASK_OUTCOME, and promises in an array as well', async () => {
    assert.equal((await rig.outcomeOf('mixing'))?.error?.code, 'E_TASK_OUTCOME');
    const promises = await rig.outcomeOf('returning-promises');
    assert.equal(promises?.error?.code, 'E_TASK_OUTCOME');
    assert.match(promises?.error?.message ?? '', /await Promise\.all/);
  });

  test('an unknown task fails with E_TASK_UNKNOWN, which names the known ones', async () => {
    const [unknown, nameless] = (await rig.run([call('no-such-task'), { body: '{}' }])).others;
    assert.equal(unknown?.error?.code, 'E_TASK_UNKNOWN');
    assert.match(unknown?.error?.message ?? '', /"no-such-task"; this worker has .*insert.* more/);
    assert.equal(nameless?.error?.code, 'E_TASK_UNKNOWN');
    assert.match(nameless?.error?.message ?? '', /no type property.*"calls" has no default task/);
  });

  test('a message without a type runs the default task of its queue, if that exists', async () => {
    const ran = await rig.run([{ body: '{"n":8}', properties: { messageId: 'defaulted' } }], { defaultTask: 'insert' });
    assert.deepEqual(ran.others, []);
    assert.equal(rig.store.find('seen', 'defaulted')?.['n'], 8);
    const missing = await rig.run([{ body: '{}' }], { defaultTask: 'gone' });
    assert.match(missing.others[0]?.error?.message ?? '', /"gone", the default of queue "calls"/);
  });

  test('malformed properties and undecodable bodies fail alone', async () => {
    const ran = await rig.run([
      call('nothing'),
      { rawProperties: Buffer.from([0x80, 0, 200, 1]), body: '{}' },
      { properties: { type: 'nothing' }, body: '{"n":' },
      { properties: { type: 'nothing' }, body: Buffer.from([0x22, 0xff, 0x22]) },
      { properties: { type: 'nothing' }, body: '' },
      { properties: { type: 'nothing', contentType: 'text/csv' }, body: '1;2' },
      { properties: { type: 'nothing', contentEncoding: 'gzip' }, body: '{}' },
      { properties: { type: 'rows' }, body: 'x' },
      call('insert', { n: 1 }, 'after-bad-ones'),
    ]);
    assert.deepEqual(
      ran.others.map(({ index, error }) => [index, error?.code]),
      [
        [1, 'E_MESSAGE_MALFORMED'],
        [2, 'E_BODY_UNDECODABLE'],
        [3, 'E_BODY_UNDECODABLE'],
        [4, 'E_BODY_UNDECODABLE'],
        [5, 'E_BODY_UNDECODABLE'],
        [6, 'E_BODY_UNDECODABLE'],
        [7, 'E_BODY_UNDECODABLE'],
      ],
    );
    assert.equal(ran.handlerCalls, 2);
    assert.equal(ran.others[1]?.error?.stack, undefined, 'a stack would show only our own code');
    assert.ok(rig.store.find('seen', 'after-bad-ones'));
  });

  test('outcomes that are larger than the batch arrive whole', async () => {
    const ran = await rig.run(Array.from({ length: 30 }, () => call('throwing', { n: 1 })));
    assert.equal(ran.others.length, 30);
    assert.deepEqual(
      ran.others.map(({ index }) => index),
      Array.from({ length: 30 }, (_, index) => index),
    );
  });
}
