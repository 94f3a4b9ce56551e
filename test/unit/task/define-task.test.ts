import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineBatchTask, defineTask, isTaskDefinition } from '../../../src/task/index.ts';

function handler(): void {}

describe('defineTask', () => {
  it('makes a frozen definition with its defaults', () => {
    const task = defineTask('record-call', handler);
    assert.deepEqual(
      { ...task },
      { kind: 'task', name: 'record-call', handler, queue: undefined, concurrency: 1, body: undefined },
    );
    assert.ok(Object.isFrozen(task));
    assert.ok(isTaskDefinition(task));
  });

  it('takes its options', () => {
    const task = defineTask('record-call', { queue: 'calls', concurrency: 50, body: 'bytes' }, handler);
    assert.deepEqual([task.queue, task.concurrency, task.body], ['calls', 50, 'bytes']);
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
    assert.throws(() => defineBatchTask('score', { concurrency: 2 } as never, () => []), { code: 'E_OPTION_UNKNOWN' });
  });
});
