import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRuntimeError } from '../../../../src/errors/runtime-error.ts';
import { createMongoClient, readMongoAddress } from '../../../../src/store/mongo/mongo-address.ts';

test('the database is the URL’s path, else millrace', () => {
  for (const [url, database] of [
    ['mongodb://h/app', 'app'],
    ['mongodb://h:1/app?w=1', 'app'],
    ['mongodb://h1,h2:2/a%20b', 'a b'],
    ['mongodb://h', 'millrace'],
    ['mongodb://h/', 'millrace'],
    ['mongodb://h?w=1', 'millrace'],
    ['mongodb+srv://u:p@h.example/?w=1', 'millrace'],
  ] as const) {
    assert.equal(readMongoAddress(url).database, database, url);
  }
});

test('what is shown of a URL has neither credentials nor options', () => {
  assert.equal(
    readMongoAddress('mongodb://me:secret@h1,h2:2/app?authMechanismProperties=secret').target,
    'mongodb://h1,h2:2/app',
  );
});

for (const url of [
  '',
  'localhost:27017/secret',
  'amqp://me:secret@localhost',
  'mongodb://',
  'mongodb://me:secret@',
  'mongodb://me:secret@/app',
  'mongodb://h/%E0%A4%A',
  'mongodb://me:secret/more:secret@h/app',
  'mongodb://me:secret?more:secret@h/app',
  'mongodb://me:other@other:secret/secret@h/app',
  'mongodb://me:secret@h:notaport/app',
  'mongodb://me:secret@h/app?nosuchoption=secret',
  'mongodb://me:secret@h/app?authMechanism=secret',
  'mongodb://me:secret@h/app?maxPoolSize=secret',
  'mongodb+srv://me:secret@h:27017/app',
]) {
  test(`a URL that cannot be used fails with E_STORE_URL and shows no secret: ${JSON.stringify(url)}`, () => {
    assert.throws(
      () => createMongoClient(readMongoAddress(url), {}),
      (error) =>
        isRuntimeError(error, 'E_STORE_URL') &&
        !/secret@|:secret|=secret/.test(`${error.message}${String(error.cause)}`) &&
        !error.message.includes('\n'),
    );
  });
}

test('the URL’s own options win over the defaults, whatever their case', () => {
  const options = (url: string): number =>
    createMongoClient(readMongoAddress(url), { maxPoolSize: 2 }).options.maxPoolSize;
  assert.equal(options('mongodb://h/app'), 2);
  assert.equal(options('mongodb://h/app?maxpoolsize=7'), 7);
});
