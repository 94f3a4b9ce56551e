import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectId } from 'mongodb';
import { HeldDocuments } from '../../../../src/store/mongo/held-documents.ts';
import type { OnceTask, StoreOperation } from '../../../../src/store/store.ts';

const MEMORY_MS = 2_000;

function task(...filters: Readonly<Record<string, unknown>>[]): OnceTask {
  const operations = filters.map((filter): StoreOperation => ({ kind: 'delete', collection: 'c', filter }));
  return { id: 't', operations };
}

test('a document that was seen held is wanted by tasks that name it, for two seconds', () => {
  const held = new HeldDocuments();
  held.remember(task({ _id: 'a' }), 0);
  assert.equal(held.wantedBy(task({ _id: 'b' }, { _id: 'a', other: 1 }), 1), true);
  assert.equal(held.wantedBy(task({ _id: 'b' }), 1), false);
  assert.equal(held.wantedBy(task({ _id: 'a' }), MEMORY_MS - 1), true);
  assert.equal(held.hasAny(MEMORY_MS), false);
  assert.equal(held.wantedBy(task({ _id: 'a' }), MEMORY_MS), false);
});

test('a document that is seen held again is remembered anew, longer than those seen before it', () => {
  const held = new HeldDocuments();
  held.remember(task({ _id: 'a' }), 0);
  held.remember(task({ _id: 'b' }), 100);
  held.remember(task({ _id: 'a' }), 1_500);
  assert.equal(held.wantedBy(task({ _id: 'b' }), MEMORY_MS + 100), false);
  assert.equal(held.wantedBy(task({ _id: 'a' }), MEMORY_MS + 100), true);
});

test('ids of different types and collections are different documents, and filters without an id name none', () => {
  const held = new HeldDocuments();
  const id = new ObjectId();
  held.remember(task({ _id: 1 }, { _id: id }, { name: 'x' }, { _id: { $in: ['y'] } }), 0);
  assert.equal(held.wantedBy(task({ _id: '1' }), 1), false);
  assert.equal(held.wantedBy(task({ _id: 1 }), 1), true);
  assert.equal(held.wantedBy(task({ _id: new ObjectId(id.toHexString()) }), 1), true);
  assert.equal(held.wantedBy(task({ name: 'x' }), 1), false);
  assert.equal(held.wantedBy(task({ _id: { $in: ['y'] } }), 1), false);
  const elsewhere: OnceTask = { id: 't', operations: [{ kind: 'delete', collection: 'd', filter: { _id: 1 } }] };
  assert.equal(held.wantedBy(elsewhere, 1), false);
});

test('inserts are held up by nobody', () => {
  const held = new HeldDocuments();
  held.remember(task({ _id: 'a' }), 0);
  const insert: OnceTask = {
    id: 't',
    operations: [{ kind: 'insert', collection: 'c', document: { _id: 'a' }, ifAbsent: false }],
  };
  assert.equal(held.wantedBy(insert, 1), false);
});
