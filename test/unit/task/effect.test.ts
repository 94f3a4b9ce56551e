import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failed, insertOne, isEffect, succeeded } from '../../../src/task/index.ts';
import { isOutcome } from '../../../src/task/outcome.ts';

describe('insertOne', () => {
  it('makes an effect that says what to write', () => {
    const document = { n: 1 };
    const effect = insertOne('calls', document);
    assert.deepEqual([effect.kind, effect.collection, effect.document], ['insert', 'calls', document]);
    assert.ok(isEffect(effect));
  });

  it('refuses what cannot be written, with E_TASK_OUTCOME', () => {
    assert.throws(() => insertOne('', {}), {
      code: 'E_TASK_OUTCOME',
      message: /collection must be a name, got an empty string/,
    });
    assert.throws(() => insertOne(undefined as never, {}), { code: 'E_TASK_OUTCOME', message: /got a undefined/ });
    assert.throws(() => insertOne('calls', null as never), {
      code: 'E_TASK_OUTCOME',
      message: /document must be an object, got null/,
    });
    assert.throws(() => insertOne('calls', [] as never), { code: 'E_TASK_OUTCOME', message: /got an array/ });
  });

  it('is recognised across two copies of the package, and a lookalike is not', () => {
    assert.ok(isEffect({ [Symbol.for('millrace.Effect')]: true, collection: 'c', document: {} }));
    assert.ok(!isEffect({ kind: 'insert', collection: 'c', document: {} }));
    assert.ok(!isEffect(null));
  });
});

describe('outcomes', () => {
  it('are plain values that are told from lookalikes', () => {
    assert.deepEqual(failed('why'), { kind: 'failed', error: 'why' });
    assert.deepEqual(succeeded(), { kind: 'succeeded', effects: [] });
    assert.ok(isOutcome(failed('why')));
    assert.ok(!isOutcome({ kind: 'failed', error: 'why' }));
  });
});
