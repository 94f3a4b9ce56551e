import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BSON,
  MongoBulkWriteError,
  type MongoError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoServerError,
} from 'mongodb';
import {
  isRefusedCommand,
  judgeDocument,
  judgeTransaction,
  judgeWrite,
} from '../../../../src/store/mongo/write-verdict.ts';

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

function serverError(fields: { code?: number; errmsg?: string; originalError?: MongoServerError }): MongoServerError {
  return new MongoServerError({ message: fields.errmsg ?? 'it failed', ...fields });
}

function bulkError(code: number, errmsg: string, index = 3): MongoBulkWriteError {
  return new MongoBulkWriteError(
    { message: errmsg, code, writeErrors: [{ code, errmsg, index }] as never },
    {} as never,
  );
}

test('one write of a transaction is to blame where the server names it', () => {
  const cases: [MongoBulkWriteError, string][] = [
    [bulkError(11000, `${E11000}_id_ dup key: { _id: "7" }`), 'duplicate-id'],
    [bulkError(11000, `Plan executor error during update :: caused by :: ${E11000}n_1 dup key: { n: 1 }`), 'conflict'],
    [bulkError(9, 'Unknown modifier: $nope'), 'refused'],
    [bulkError(121, 'Document failed validation'), 'refused'],
  ];
  for (const [error, problem] of cases) {
    assert.deepEqual(judgeWrite(error), { kind: 'fault', problem, write: 3, message: error.message });
  }
  assert.deepEqual(judgeWrite(bulkError(91, 'shutting down')), { kind: 'unknown' });
});

test('any write may be to blame for what the server or the driver refuses as a whole', () => {
  const cases: [unknown, string][] = [
    [serverError({ code: 73, errmsg: 'Invalid namespace' }), 'refused'],
    [serverError({ code: 11000, errmsg: `${E11000}n_1 dup key: { n: 1 }` }), 'conflict'],
    [serverError({ originalError: serverError({ code: 20, errmsg: 'not on a view' }) }), 'refused'],
    [new MongoInvalidArgumentError('Document is larger than the maximum size'), 'refused'],
    [new BSON.BSONError('circular'), 'refused'],
    ['a getter threw a text', 'refused'],
  ];
  for (const [error, problem] of cases) {
    const verdict = judgeWrite(error);
    assert.deepEqual({ ...verdict, message: '' }, { kind: 'fault', problem, write: undefined, message: '' });
    assert.match((verdict as { message: string }).message, /\S/);
  }
});

test('a commit and the marks are no task’s fault', () => {
  for (const error of [
    serverError({ code: 73 }),
    bulkError(121, 'no'),
    new TypeError('a bug'),
    serverError({ code: 13 }),
  ]) {
    assert.deepEqual(judgeTransaction(error), { kind: 'unknown' });
  }
});

test('what may be over in a moment is done again, patiently where another transaction is in the way', () => {
  const labelled = (label: string): MongoServerError => {
    const error = serverError({ code: 251 });
    error.addErrorLabel(label);
    return error;
  };
  const lost = new MongoNetworkError('connection closed');
  lost.addErrorLabel('TransientTransactionError');
  const cases: [MongoError, string][] = [
    [serverError({ code: 112 }), 'contended'],
    [serverError({ code: 24 }), 'contended'],
    [labelled('TransientTransactionError'), 'disturbed'],
    [labelled('UnknownTransactionCommitResult'), 'disturbed'],
    [lost, 'disturbed'],
  ];
  for (const [error, why] of cases) {
    assert.deepEqual(judgeTransaction(error), { kind: 'again', why });
    assert.deepEqual(judgeWrite(error), { kind: 'again', why });
  }
});

test('a server without transactions is told from one whose collection has none', () => {
  const standalone = serverError({
    originalError: serverError({ code: 20, errmsg: 'Transaction numbers are only allowed on a replica set member' }),
  });
  const { kind, everywhere } = judgeTransaction(standalone) as { kind: string; everywhere: boolean };
  assert.deepEqual([kind, everywhere], ['unsupported', true]);
  const errmsg = 'Cannot insert into a time-series collection in a multi-document transaction';
  assert.deepEqual(judgeWrite(serverError({ code: 263, errmsg })), {
    kind: 'unsupported',
    everywhere: false,
    message: errmsg,
  });
});
