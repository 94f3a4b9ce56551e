import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineBatchTask, defineTask, isTaskDefinition } from '../../../src/task/index.ts';

function handler(): void {}

describe('defineTask', () => {
  it('makes a frozen definition with its defaults', () => {
    const task = defineTask('record-call', handler);
    assert.deepEqual(
      { ...task },
      {
        kind: 'task',
        name: 'record-call',
        handler,
        queue: undefined,
        concurrency: 1,
        body: undefined,
        timeoutMs: undefined,
        graceMs: undefined,
        retry: undefined,
        startWithinMs: undefined,
        expiredQueue: undefined,
      },
    );
    assert.ok(Object.isFrozen(task));
    assert.ok(isTaskDefinition(task));
  });

  it('takes its options', () => {
    const task = defineTask('record-call', { queue: 'calls', concurrency: 50, body: 'bytes' }, handler);
    assert.deepEqual([task.queue, task.concurrency, task.body], ['calls', 50, 'bytes']);
  });

  it('takes its durations in any unit, as whole ms, rounded up', () => {
    const task = defineTask('t', { timeout: '1.5m', grace: 0, startWithin: '1h', expiredQueue: 'late' }, handler);
    assert.deepEqual(
      [task.timeoutMs, task.graceMs, task.startWithinMs, task.expiredQueue],
      [90_000, 0, 3_600_000, 'late'],
    );
    assert.equal(defineTask('t', { timeout: 10.25 }, handler).timeoutMs, 11);
  });

  it('keeps its own copy of the retry settings', () => {
    const retry = { attempts: 5, never: ['E_MINE'] };
    const task = defineTask('t', { retry }, handler);
    retry.attempts = -1;
    retry.never.push('E_OTHER');
    assert.deepEqual(task.retry, { attempts: 5, never: ['E_MINE'] });
    assert.ok(Object.isFrozen(task.retry));
  });

  it('accepts names of 1 to 255 bytes of UTF-8, because the name travels as the AMQP type', () => {
    assert.equal(defineTask('x'.repeat(255), handler).name.length, 255);
    assert.throws(() => defineTask('', handler), { code: 'E_OPTION_RANGE', message: /1 to 255 bytes of UTF-8, got 0/ });
    assert.throws(() => defineTask('é'.repeat(128), handler), { code: 'E_OPTION_RANGE', message: /got 256/ });
    assert.throws(() => defineTask(7 as never, handler), {
      code: 'E_OPTION_TYPE',
      message: /name must be a string, got a number/,
    });
  });

  it('refuses wrong options, naming the task and what was expected', () => {
    const cases: readonly [unknown, string, RegExp][] = [
      [{ concurency: 2 }, 'E_OPTION_UNKNOWN', /task "t": unknown option "concurency", did you mean "concurrency"\?/],
      [{ concurrency: 0 }, 'E_OPTION_RANGE', /whole number from 1 to 10000, got 0/],
      [{ concurrency: 1.5 }, 'E_OPTION_RANGE', /got 1\.5/],
      [{ concurrency: Number.NaN }, 'E_OPTION_RANGE', /got NaN/],
      [{ concurrency: '3' }, 'E_OPTION_TYPE', /concurrency must be a number, got a string/],
      [{ queue: '' }, 'E_OPTION_RANGE', /queue must have 1 to 255 bytes/],
      [{ queue: 5 }, 'E_OPTION_TYPE', /queue must be a string/],
      [{ body: 'xml' }, 'E_OPTION_RANGE', /"json" or "bytes", got "xml"/],
      [
        { timeout: '9ms' },
        'E_OPTION_RANGE',
        /task "t": timeout must be a duration from 10ms to 24h: ms, or text such as '30s'; got "9ms"/,
      ],
      [{ timeout: '25h' }, 'E_OPTION_RANGE', /10ms to 24h.*got "25h"/],
      [{ timeout: Number.NaN }, 'E_OPTION_RANGE', /10ms to 24h.*got NaN/],
      [{ timeout: '20' }, 'E_OPTION_TYPE', /timeout must be a duration.*got "20"/],
      [{ timeout: null }, 'E_OPTION_TYPE', /got null/],
      [{ grace: '11m' }, 'E_OPTION_RANGE', /grace must be a duration from 0ms to 10m.*got "11m"/],
      [{ grace: -1 }, 'E_OPTION_RANGE', /got -1/],
      [{ startWithin: 999 }, 'E_OPTION_RANGE', /startWithin must be a duration from 1s to 8760h.*got 999/],
      [{ startWithin: '8761h' }, 'E_OPTION_RANGE', /got "8761h"/],
      [{ expiredQueue: '' }, 'E_OPTION_RANGE', /expiredQueue must have 1 to 255 bytes of UTF-8, got 0/],
      [{ expiredQueue: 1 }, 'E_OPTION_TYPE', /expiredQueue must be a string/],
      [{ retry: 3 }, 'E_OPTION_TYPE', /task "t": retry must be an object/],
      [{ retry: { attempts: 0 } }, 'E_OPTION_RANGE', /task "t": retry\.attempts must be a whole number from 1/],
      [{ retry: { atempts: 2 } }, 'E_OPTION_UNKNOWN', /task "t": retry: unknown option "atempts".*"attempts"/],
      [null, 'E_OPTION_TYPE', /options must be an object, got null/],
    ];
    for (const [options, code, message] of cases)
      assert.throws(() => defineTask('t', options as never, handler), { code, message });
    assert.throws(() => defineTask('t', undefined as never), {
      code: 'E_OPTION_TYPE',
      message: /handler must be a function/,
    });
  });
});

describe('defineBatchTask', () => {
  it('makes a definition that runs alone', () => {
    const task = defineBatchTask('score', { queue: 'scores' }, (rows: number[]) => rows);
    assert.deepEqual([task.kind, task.concurrency, task.queue], ['batch', 1, 'scores']);
    const timed = defineBatchTask('score', { timeout: '20s', retry: { attempts: 1 } }, () => []);
    assert.deepEqual([timed.timeoutMs, timed.retry], [20_000, { attempts: 1 }]);
    assert.throws(() => defineBatchTask('score', { concurrency: 2 } as never, () => []), { code: 'E_OPTION_UNKNOWN' });
  });
});
