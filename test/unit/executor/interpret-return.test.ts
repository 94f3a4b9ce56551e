import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/executor/failure.ts';
import { interpretReturn, interpretThrown, NO_EFFECTS, rowsProblem } from '../../../src/executor/interpret-return.ts';
import { discard, failed, insertOne, retryLater, snooze, succeeded } from '../../../src/task/index.ts';

const effect = insertOne('calls', {});

function codeOf(value: unknown): string | undefined {
  const verdict = interpretReturn(value);
  return verdict instanceof Failure ? verdict.error.code : undefined;
}

describe('interpretReturn', () => {
  it('takes nothing and any plain value as a success that writes nothing', () => {
    const values = [
      undefined,
      null,
      0,
      '',
      'text',
      true,
      {},
      { kind: 'failed' },
      [],
      [1, 2],
      [undefined],
      new Map(),
      () => {},
    ];
    for (const value of values) assert.equal(interpretReturn(value), NO_EFFECTS);
  });

  it('takes effects, alone, in an array or in an outcome', () => {
    assert.deepEqual(interpretReturn(effect), [effect]);
    assert.deepEqual(interpretReturn([effect, effect]), [effect, effect]);
    assert.deepEqual(interpretReturn(succeeded(effect)), [effect]);
    assert.deepEqual(interpretReturn(succeeded()), []);
  });

  it('refuses effects among other things with E_TASK_OUTCOME', () => {
    assert.equal(codeOf([effect, undefined]), 'E_TASK_OUTCOME');
    assert.equal(codeOf([[effect], effect]), 'E_TASK_OUTCOME');
    assert.equal(codeOf([Promise.resolve()]), 'E_TASK_OUTCOME');
    assert.equal(codeOf(succeeded('text' as never)), 'E_TASK_OUTCOME');
  });

  it('takes failures and returned errors as failures, with their own code where they have one', () => {
    assert.equal(codeOf(failed(new Error('x'))), 'E_TASK_FAILED');
    assert.equal(codeOf(failed('text')), 'E_TASK_FAILED');
    assert.equal(codeOf(Object.assign(new Error('x'), { code: 'ENOENT' })), 'ENOENT');
  });

  it('takes postponements and discards as they are', () => {
    assert.deepEqual(interpretReturn(snooze('1s')), { kind: 'snoozed', delayMs: 1_000 });
    assert.deepEqual(interpretReturn(discard('twice')), { kind: 'discarded', reason: 'twice' });
    const later = interpretReturn(retryLater('3s', 'busy'));
    assert.ok(later instanceof Failure);
    assert.deepEqual([later.delayMs, later.error.code, later.error.message], [3_000, 'E_TASK_RETRY_LATER', 'busy']);
    assert.equal(later.error.stack, undefined, 'asking is no accident that needs a stack');
  });

  it('refuses outcomes inside an array, where nobody would look at them', () => {
    assert.equal(codeOf([snooze('1s')]), 'E_TASK_OUTCOME');
    assert.equal(codeOf([1, failed('x')]), 'E_TASK_OUTCOME');
    assert.equal(codeOf([effect, discard('x')]), 'E_TASK_OUTCOME');
  });

  it('lets the delay that a task asks for outweigh the one that its error asks for', () => {
    const busy = Object.assign(new Error('busy'), { retryAfter: '9s' });
    const delayOf = (value: unknown): number | undefined => (interpretReturn(value) as Failure).delayMs;
    assert.equal(delayOf(busy), 9_000);
    assert.equal(delayOf(failed(busy)), 9_000);
    assert.equal(delayOf(failed(new Error('x'))), undefined);
  });
});

describe('interpretThrown', () => {
  it('takes an outcome as if it had been returned, and anything else as a failure', () => {
    assert.deepEqual(interpretThrown(snooze('1s')), { kind: 'snoozed', delayMs: 1_000 });
    assert.deepEqual(interpretThrown(discard('twice')), { kind: 'discarded', reason: 'twice' });
    assert.deepEqual(interpretThrown(succeeded(effect)), [effect]);
    assert.equal((interpretThrown(retryLater('3s')) as Failure).delayMs, 3_000);
    for (const thrown of [new Error('x'), 'text', undefined, effect, [snooze(1)], { kind: 'snoozed', delayMs: 1 }]) {
      assert.equal((interpretThrown(thrown) as Failure).error.code, 'E_TASK_FAILED');
    }
  });

  it('makes a failure of a thrown value that throws whatever is asked of it', () => {
    const trap = (): never => {
      throw new Error('do not look');
    };
    const verdict = interpretThrown(new Proxy(new Error('x'), { get: trap, has: trap, getPrototypeOf: trap }));
    assert.ok(verdict instanceof Failure);
    assert.equal(verdict.delayMs, undefined);
  });
});

describe('rowsProblem', () => {
  it('wants one entry for each row', () => {
    assert.equal(rowsProblem('score', [1, 2], 2), undefined);
    for (const [value, got] of [
      [[1], 'an array of 1'],
      [effect, 'a single effect'],
      ['text', 'a string'],
      [failed('x'), 'a single outcome'],
    ] as const) {
      assert.match(
        rowsProblem('score', value, 2)?.error.message ?? '',
        new RegExp(`got 2 rows and returned ${got}; expected an array`),
      );
    }
  });
});
