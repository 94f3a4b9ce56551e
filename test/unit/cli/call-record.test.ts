import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateCall, INVALID_EVERY, isInvalid } from '../../../src/cli/demo/call-record.ts';

test('the same seed and number give the same call, others another', () => {
  assert.deepEqual(generateCall(1, 42), generateCall(1, 42));
  assert.notDeepEqual(generateCall(1, 42), generateCall(2, 42));
  assert.notDeepEqual({ ...generateCall(1, 42), serial: 0 }, { ...generateCall(1, 43), serial: 0 });
});

test('calls vary: numbers in three notations, four codecs, some with a note', () => {
  const calls = Array.from({ length: 500 }, (_, serial) => generateCall(7, serial));
  assert.equal(new Set(calls.map(({ codec }) => codec)).size, 4);
  assert.ok(new Set(calls.map(({ caller }) => caller)).size > 490);
  for (const beginning of ['+49', '0049', '(030)']) assert.ok(calls.some(({ caller }) => caller.startsWith(beginning)));
  assert.ok(calls.some(({ note }) => note !== undefined) && calls.some(({ note }) => note === undefined));
});

test('exactly the calls that are said to be invalid are', () => {
  const wrong = (serial: number): boolean => {
    const { callee, seconds } = generateCall(7, serial);
    return callee === '' || Number(seconds) < 0;
  };
  for (let serial = 0; serial < 2 * INVALID_EVERY; serial++)
    assert.equal(wrong(serial), isInvalid(serial), `${serial}`);
});
