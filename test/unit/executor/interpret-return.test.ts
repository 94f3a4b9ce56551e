import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/executor/failure.ts';
import { interpretReturn, NO_EFFECTS, rowsProblem } from '../../../src/executor/interpret-return.ts';
import { failed, insertOne, succeeded } from '../../../src/task/index.ts';

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
