import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DONE, Ledger, type LedgerState, OTHER, TAKEN_BACK } from '../../src/batch/ledger.ts';
import { type BatchOutcomes, type PackedOutcome, readOutcomes } from '../../src/batch/outcome-packer.ts';
import type { Executor, ExecutorListener } from '../../src/executor/executor.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { StoreWriterSpec } from '../../src/store/store.ts';
import { type BatchMessage, type BatchPlace, makeBatch } from '../support/make-batch.ts';
import { until } from '../support/until.ts';

export interface ExecutorFixture {
  readonly tasks: URL | string;
  readonly store?: StoreWriterSpec;
}

export type MakeExecutor = (fixture: ExecutorFixture, listener?: ExecutorListener) => Executor;

export const WELL_BEHAVED = new URL('../fixtures/tasks/well-behaved.ts', import.meta.url);

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A batch, run; with what its ledger shows afterwards. */
export interface Ran extends BatchOutcomes {
  readonly states: readonly LedgerState[];
}

/** A message of a task with a JSON body. */
export function call(type: string, payload: unknown = {}, id = ''): BatchMessage {
  return {
    properties: { type, contentType: 'application/json', ...(id === '' ? {} : { messageId: id }) },
    body: JSON.stringify(payload),
  };
}

/** Runs messages as one batch. @param except - positions that are taken back before the executor sees them */
export async function runMessages(
  executor: Executor,
  messages: readonly BatchMessage[],
  options: BatchPlace & { readonly defaultTask?: string; readonly except?: readonly number[] } = {},
): Promise<Ran> {
  const ledger = Ledger.allocate(Math.max(1, messages.length));
  for (const index of options.except ?? []) ledger.set(index, TAKEN_BACK);
  const buffer = makeBatch(messages, options);
  const { byteLength } = buffer;
  const answer = await executor.run({
    buffer,
    ledger: ledger.shared,
    queue: 'calls',
    defaultTask: options.defaultTask,
  });
  assert.equal(buffer.byteLength, 0, 'the buffer went to the executor');
  assert.ok(answer.byteLength >= byteLength, 'the answer is at least as large as the request');
  assert.notEqual(ledger.threadId, 0, 'the ledger says which thread had the batch');
  return { ...readOutcomes(answer), states: messages.map((_, index) => ledger.state(index)) };
}

/** What every executor must do. @param make - makes one that is not started */
export function exerciseExecutor(name: string, make: MakeExecutor): void {
  describe(name, { timeout: 120_000 }, () => {
    const store = new MemoryStore({ writeTimeoutMs: 500 });
    const lines: LogLine[] = [];
    let executor: Executor;
    before(async () => {
      await store.start();
      const logged = (level: string, message: string, fields: Readonly<Record<string, unknown>>): void => {
        lines.push({ level, message, fields });
      };
      executor = make({ tasks: WELL_BEHAVED, store: store.writerSpec() }, { logged });
      await executor.start();
    });
    after(async () => {
      await executor.stop();
      await store.stop();
    });

    const run = (messages: readonly BatchMessage[], options?: Parameters<typeof runMessages>[2]): Promise<Ran> =>
      runMessages(executor, messages, options);
    const runOne = async (type: string, payload: unknown = {}): Promise<PackedOutcome | undefined> =>
      (await run([call('nothing'), call(type, payload, `one-${type}`), call('nothing')])).others[0];

    test('describes the tasks of its module', () => {
      const described = new Map(executor.tasks().map((task) => [task.name, task]));
      assert.deepEqual(described.get('counted'), { name: 'counted', kind: 'task', concurrency: 3, queue: undefined });
      assert.deepEqual(described.get('rows'), { name: 'rows', kind: 'batch', concurrency: 1, queue: 'matrix' });
    });

    test('runs a batch in which all succeed, and its answer is its header alone', async () => {
      const ran = await run(
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
      assert.equal((await run([])).count, 0);
    });

    test('runs only what the ledger shows as waiting', async () => {
      const ran = await run(
        [call('insert', { n: 1 }, 'only-1'), call('insert', { n: 2 }, 'only-2'), call('rows', { n: 3 }, 'only-3')],
        {
          except: [1, 2],
        },
      );
      assert.equal(ran.count, 1);
      assert.deepEqual(ran.states, [DONE, TAKEN_BACK, TAKEN_BACK]);
      assert.ok(store.find('seen', 'only-1'));
      assert.equal(store.find('seen', 'only-2'), undefined);
      assert.equal(store.find('seen', 'only-3'), undefined);
    });

    test('a handler that throws fails its own task and no neighbour', async () => {
      const ran = await run([
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
      assert.ok(store.find('seen', 'beside'));
    });

    test('an error that nobody can read still fails its task, and a very long one is cut', async () => {
      assert.equal((await runOne('hostile'))?.kind, 'failed');
      const talkative = await runOne('talkative');
      assert.ok((talkative?.error?.message.length ?? 0) < 3_000);
    });

    test('a failure can be said, and an error that is returned is one', async () => {
      assert.equal((await runOne('saying-failed'))?.error?.message, 'said so');
      assert.equal((await runOne('returning-error'))?.error?.message, 'returned');
    });

    test('effects mixed with other things are E_TASK_OUTCOME, and promises in an array as well', async () => {
      assert.equal((await runOne('mixing'))?.error?.code, 'E_TASK_OUTCOME');
      const promises = await runOne('returning-promises');
      assert.equal(promises?.error?.code, 'E_TASK_OUTCOME');
      assert.match(promises?.error?.message ?? '', /await Promise\.all/);
    });

    test('an unknown task fails with E_TASK_UNKNOWN, which names the known ones', async () => {
      const [unknown, nameless] = (await run([call('no-such-task'), { body: '{}' }])).others;
      assert.equal(unknown?.error?.code, 'E_TASK_UNKNOWN');
      assert.match(unknown?.error?.message ?? '', /"no-such-task"; this worker has .*insert.* more/);
      assert.equal(nameless?.error?.code, 'E_TASK_UNKNOWN');
      assert.match(nameless?.error?.message ?? '', /no type property.*"calls" has no default task/);
    });

    test('a message without a type runs the default task of its queue, if that exists', async () => {
      const ran = await run([{ body: '{"n":8}', properties: { messageId: 'defaulted' } }], { defaultTask: 'insert' });
      assert.deepEqual(ran.others, []);
      assert.equal(store.find('seen', 'defaulted')?.['n'], 8);
      const missing = await run([{ body: '{}' }], { defaultTask: 'gone' });
      assert.match(missing.others[0]?.error?.message ?? '', /"gone", the default of queue "calls"/);
    });

    test('malformed properties and undecodable bodies fail alone', async () => {
      const ran = await run([
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
      assert.ok(store.find('seen', 'after-bad-ones'));
    });

    test('effects are stored under the ids of their tasks, and running again stores nothing twice', async () => {
      const messages = [
        call('insert', { n: 1 }, 'e-1'),
        call('insert-twice', { n: 2 }, 'e-2'),
        call('insert-later', { n: 3 }, 'e-3'),
      ];
      const first = await run(messages);
      assert.deepEqual([first.others, first.states], [[], [DONE, DONE, DONE]]);
      assert.equal(store.find('seen', 'e-1')?.['n'], 1);
      assert.equal(store.find('seen', 'e-2')?.['n'], 2);
      assert.equal(store.find('others', 'e-2:1')?.['n'], 2);
      assert.equal(store.find('seen', 'e-3')?.['n'], 3);
      const stored = store.count('seen');
      assert.deepEqual((await run(messages)).others, []);
      assert.equal(store.count('seen'), stored);
    });

    test('messages without an id are counted, and get the same ids when the same slab runs again', async () => {
      const place = { firstTag: 900, salt: 77, openedAtMs: 1_700_000_000_000 };
      const stored = store.count('seen');
      const first = await run(
        [call('insert', { n: 1 }), call('insert', { n: 2 }), call('nothing', {}, 'has-one')],
        place,
      );
      assert.equal(first.withoutId, 2);
      await run([call('insert', { n: 1 }), call('insert', { n: 2 })], place);
      assert.equal(store.count('seen'), stored + 2);
    });

    test('raw bytes reach the handler and the store as they are', async () => {
      const body = Buffer.from([0, 255, 128, 7]);
      await run([{ properties: { type: 'raw-bytes', messageId: 'raw', contentEncoding: 'gzip' }, body }]);
      assert.equal(store.find('seen', 'raw')?.['length'], 4);
      assert.deepEqual(Buffer.from((store.find('seen', 'raw')?.['bytes'] as { buffer: Uint8Array }).buffer), body);
    });

    test('a context knows its message', async () => {
      const properties = {
        type: 'contextual',
        messageId: 'ctx',
        correlationId: 'c-1',
        headers: { 'x-attempt': 4, tenant: 'a' },
      };
      await run([{ properties, body: '{}', redelivered: true, reruns: 2 }]);
      const { _id, ...seen } = store.find('seen', 'ctx') ?? {};
      assert.deepEqual(seen, {
        id: 'ctx',
        task: 'contextual',
        queue: 'calls',
        attempt: 6,
        redelivered: true,
        headers: { 'x-attempt': 4, tenant: 'a' },
        correlationId: 'c-1',
        aborted: false,
      });
      assert.equal(_id, 'ctx');
    });

    test('what a task logs arrives with its task and id, whatever its fields are', async () => {
      await run([call('logging', {}, 'log-1')]);
      const mine = (): LogLine[] => lines.filter((line) => line.fields['id'] === 'log-1');
      await until('both lines', () => mine().length === 2);
      assert.deepEqual(mine()[0], {
        level: 'info',
        message: 'a line',
        fields: { task: 'logging', id: 'log-1', queue: 'calls', extra: 1 },
      });
      assert.equal(mine()[1]?.level, 'warn');
    });

    test('async handlers run up to their concurrency at once, over two batches together', async () => {
      const batch = Array.from({ length: 8 }, (_, n) => call('counted', { n: 1 + (n % 3) }));
      const [one, two] = await Promise.all([run(batch), run(batch)]);
      assert.equal(one.count + two.count, 16);
      assert.deepEqual([...one.others, ...two.others], []);
      await run(Array.from({ length: executor.threads }, (_, n) => call('most-counted', {}, `most-${n}`)));
      assert.equal(store.find('most', 'most-0')?.['most'], 3);
    });

    test('a batch task gets its rows together, and each row has its own outcome', async () => {
      const ran = await run([
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
      const { _id, ...row } = store.find('seen', 'row-1') ?? {};
      assert.deepEqual(row, { n: 1, together: 3, id: 'row-1', queue: 'calls' });
    });

    test('rows of a batch task may be promises, each for itself', async () => {
      const ran = await run([
        call('rows-later', { n: 1 }, 'later-1'),
        call('rows-later', { n: -1 }),
        call('rows-later', { n: 2 }, 'later-2'),
      ]);
      assert.deepEqual(
        ran.others.map(({ index, error }) => [index, error?.name]),
        [[1, 'RangeError']],
      );
      assert.ok(store.find('seen', 'later-1'));
      assert.ok(store.find('seen', 'later-2'));
    });

    test('a batch task that throws or returns too few entries fails all its rows; one that returns nothing, none', async () => {
      const few = await run([call('rows-too-few'), call('rows-too-few'), call('nothing')]);
      assert.deepEqual(
        few.others.map(({ index, error }) => [index, error?.code]),
        [
          [0, 'E_TASK_OUTCOME'],
          [1, 'E_TASK_OUTCOME'],
        ],
      );
      assert.match(few.others[0]?.error?.message ?? '', /got 2 rows and returned an array of 1/);
      assert.equal((await run([call('rows-throwing'), call('rows-throwing')])).others.length, 2);
      assert.deepEqual((await run([call('rows-nothing'), call('rows-nothing')])).others, []);
    });

    test('outcomes that are larger than the batch arrive whole', async () => {
      const ran = await run(Array.from({ length: 30 }, () => call('throwing', { n: 1 })));
      assert.equal(ran.others.length, 30);
      assert.deepEqual(
        ran.others.map(({ index }) => index),
        Array.from({ length: 30 }, (_, index) => index),
      );
    });

    test('abort ends what waits for its signal, and what has not begun, as interrupted', async () => {
      const begun = lines.length;
      const running = run([call('waiting'), call('waiting'), call('nothing')]);
      await until('the task has begun', () => lines.slice(begun).some((line) => line.message === 'begun'));
      executor.abort();
      const ran = await running;
      assert.deepEqual(
        ran.others.map(({ index, kind }) => [index, kind]),
        [
          [0, 'interrupted'],
          [1, 'interrupted'],
        ],
      );
      assert.deepEqual((await run([call('nothing')])).others, [], 'a later batch runs as ever');
    });

    test('while the store is away the outcome of effects is unknown, and of other tasks it is not', async () => {
      store.goAway();
      const ran = await run([call('insert', { n: 1 }, 'away-1'), call('nothing')]);
      store.comeBack();
      assert.deepEqual(
        ran.others.map(({ index, kind }) => [index, kind]),
        [[0, 'unknown']],
      );
      assert.deepEqual(ran.states, [OTHER, DONE]);
      assert.deepEqual((await run([call('insert', { n: 1 }, 'away-1')])).others, []);
      assert.ok(store.find('seen', 'away-1'));
    });

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
        const bad = make({ tasks: new URL(`../fixtures/tasks/${file}`, import.meta.url) });
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
  });
}
