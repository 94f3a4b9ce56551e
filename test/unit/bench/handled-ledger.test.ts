import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksumOf } from '../../../bench/harness/checksum.ts';
import { expectedChecksum } from '../../../bench/harness/filler.ts';
import { createHandledLedger, openHandledLedger, summarizeHandled } from '../../../bench/harness/handled-ledger.ts';
import { signatureAt } from '../../../bench/harness/message-source.ts';

test('handling every message once, in any order, gives the checksum of what was filled', () => {
  const shared = createHandledLedger(100);
  const record = openHandledLedger();
  for (let i = 99; i >= 0; i--) record(signatureAt(7, i));
  const expected = { calls: 100, distinct: 100, foreign: 0, checksum: expectedChecksum(7, 100) };
  assert.deepEqual(summarizeHandled(shared), expected);
});

test('a message handled twice, one left out and one never sent are told apart', () => {
  const shared = createHandledLedger(3);
  const record = openHandledLedger();
  for (const index of [0, 0, 2, 9]) record(signatureAt(7, index));
  const { calls, distinct, foreign } = summarizeHandled(shared);
  assert.deepEqual({ calls, distinct, foreign }, { calls: 4, distinct: 2, foreign: 1 });
});

test('the checksum changes with the id, the name and the argument', () => {
  const signature = signatureAt(7, 1);
  const [argument] = signature.Args;
  assert.ok(argument !== undefined);
  const others = [
    signatureAt(7, 2),
    { ...signature, Name: 'recorD' },
    { ...signature, Args: [{ ...argument, Value: argument.Value.replace('John', 'Jane') }] },
  ];
  for (const other of others) assert.notEqual(checksumOf(other), checksumOf(signature));
});
