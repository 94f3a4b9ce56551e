import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deleteOne, failed, insertOne, isEffect, replaceOne, succeeded, updateOne } from '../../../src/task/index.ts';
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

describe('updateOne, replaceOne and deleteOne', () => {
  const filter = { _id: 7 };

  it('make effects that say what to write', () => {
    const update = { $inc: { n: 1 } };
    const changed = updateOne('calls', filter, update);
    assert.deepEqual(
      [changed.kind, changed.collection, changed.filter, changed.update, changed.upsert],
      ['update', 'calls', filter, update, false],
    );
    const replaced = replaceOne('calls', filter, { n: 1 }, { upsert: true });
    assert.deepEqual(
      [replaced.kind, replaced.collection, replaced.filter, replaced.document, replaced.upsert],
      ['replace', 'calls', filter, { n: 1 }, true],
    );
    const deleted = deleteOne('calls', filter);
    assert.deepEqual([deleted.kind, deleted.collection, deleted.filter], ['delete', 'calls', filter]);
    for (const effect of [changed, replaced, deleted]) assert.ok(isEffect(effect));
  });

  it('take a pipeline as an update, and filters that ask for null or for absence', () => {
    assert.deepEqual(updateOne('calls', filter, [{ $set: { n: 1 } }]).update, [{ $set: { n: 1 } }]);
    assert.ok(deleteOne('calls', { tenant: null, gone: { $exists: false } }));
    assert.ok(deleteOne('calls', Object.assign(Object.create(null), filter)));
  });

  it('refuse a collection that is no name', () => {
    for (const make of [
      () => updateOne('', filter, { $set: {} }),
      () => replaceOne('', filter, {}),
      () => deleteOne('', filter),
    ]) {
      assert.throws(make, { code: 'E_TASK_OUTCOME', message: /collection must be a name, got an empty string/ });
    }
  });

  it('refuse a filter that would take any document', () => {
    const bad: [unknown, RegExp][] = [
      [{}, /an empty filter would take any document/],
      [{ _id: 1, tenant: undefined }, /"tenant" in the filter is undefined/],
      [undefined, /must be a plain object, got a undefined/],
      [null, /got null/],
      [[], /got an array/],
      [new Date(), /got a value of class Date/],
      ['id', /got a string/],
    ];
    for (const [given, message] of bad) {
      const wrong = given as never;
      assert.throws(() => updateOne('calls', wrong, { $set: {} }), { code: 'E_TASK_OUTCOME', message });
      assert.throws(() => replaceOne('calls', wrong, {}), { code: 'E_TASK_OUTCOME', message });
      assert.throws(() => deleteOne('calls', wrong), { code: 'E_TASK_OUTCOME', message });
    }
  });

  it('tell an update from a replacement', () => {
    const bad: [unknown, RegExp][] = [
      [{}, /operators only.*got nothing; replaceOne takes a whole document/],
      [{ $set: { a: 1 }, b: 1 }, /got the field "b"/],
      [[], /a pipeline must be/],
      [['$set'], /a pipeline must be/],
      [null, /got null/],
      [new Map(), /got a value of class Map/],
    ];
    for (const [update, message] of bad) {
      assert.throws(() => updateOne('calls', filter, update as never), { code: 'E_TASK_OUTCOME', message });
    }
    assert.throws(() => replaceOne('calls', filter, { a: 1, $set: { b: 1 } }), {
      code: 'E_TASK_OUTCOME',
      message: /must have no operators, got "\$set"/,
    });
    assert.throws(() => replaceOne('calls', filter, [] as never), { code: 'E_TASK_OUTCOME', message: /got an array/ });
  });

  it('refuse an upsert that is no boolean', () => {
    assert.throws(() => updateOne('calls', filter, { $set: { a: 1 } }, { upsert: 'yes' as never }), {
      code: 'E_TASK_OUTCOME',
      message: /upsert must be true or false, got a string/,
    });
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
