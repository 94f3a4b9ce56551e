import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefusedCommand, judgeDocument } from '../../../../src/store/mongo/write-verdict.ts';

const E11000 = 'E11000 duplicate key error collection: app.calls index: ';

for (const message of [
  `${E11000}_id_ dup key: { _id: "7" }`,
  `${E11000}_id_ dup key: { _id: " index: number_1 dup key: { number: 1 }" }`,
  `${E11000}_id_ collation: { locale: "de" } dup key: { _id: "CollationKey(0x2a)" }`,
  'E11000 duplicate key error index: app.calls.$_id_ dup key: { : "7" }',
  'E11000 duplicate key error collection: app.calls dup key: { _id: "7" }',
]) {
  test(`a duplicate of the id is told from the message: ${message}`, () => {
    assert.equal(judgeDocument(11000, message), 'duplicate-id');
  });
}

for (const message of [
  `${E11000}number_1 dup key: { number: 1 }`,
  `${E11000}number_1 dup key: { number: " index: _id_ dup key: { _id: 1 }" }`,
  `${E11000}my_id_ dup key: { my: 1 }`,
  `${E11000}a _id_ dup key: { a: 1 }`,
  'E11000 duplicate key error index: app.calls.$number_1 dup key: { : 1 }',
  'E11000 duplicate key error collection: app.calls dup key: { _idle: "7" }',
  'something else altogether, _id_',
]) {
  test(`any other duplicate is a conflict: ${message}`, () => {
    assert.equal(judgeDocument(11000, message), 'conflict');
  });
}

test('a code that speaks of the document refuses it, also one that is not known', () => {
  for (const code of [121, 53, 15, 10334, 99_999]) assert.equal(judgeDocument(code, 'no'), 'refused');
});

test('a code that speaks of the server leaves the document unknown', () => {
  for (const code of [13, 91, 189, 10107, 11600, 14031]) assert.equal(judgeDocument(code, 'no'), undefined);
});

test('a whole command is refused only for codes that speak of the request', () => {
  for (const code of [73, 166]) assert.equal(isRefusedCommand(code), true);
  for (const code of [13, 91, 10107, 99_999, undefined, '73']) assert.equal(isRefusedCommand(code), false);
});
