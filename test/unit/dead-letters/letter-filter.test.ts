import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDeadLetter } from '../../../src/dead-letters/dead-letter.ts';
import { type DeadLetterFilter, idsOf, letterMatch } from '../../../src/dead-letters/letter-filter.ts';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';

const NOW = Date.parse('2026-01-02T00:00:00.000Z');

function matches(filter: DeadLetterFilter, headers: Record<string, unknown> = {}): boolean {
  const written = { 'x-error-code': 'E_A', 'x-dead-at': '2026-01-01T22:00:00.000Z', ...headers };
  return letterMatch(filter, NOW)(readDeadLetter({ messageId: 'a', type: 't', headers: written }, Buffer.of(), 'q'));
}

test('an empty filter means every letter', () => {
  assert.equal(matches({}), true);
  assert.equal(letterMatch({}, NOW)(readDeadLetter(undefined, Buffer.of(), 'q')), true);
});

test('everything given has to hold, and one of several words is enough', () => {
  assert.equal(matches({ id: 'a', task: 't', code: 'E_A' }), true);
  assert.equal(matches({ id: ['b', 'a'], task: ['t', 'u'], code: ['E_B', 'E_A'] }), true);
  assert.equal(matches({ id: 'a', task: 'u' }), false);
  assert.equal(matches({ code: 'E_B' }), false);
});

test('ages are counted from now; a letter that does not say when it died has none', () => {
  assert.equal(matches({ olderThan: '1h' }), true);
  assert.equal(matches({ olderThan: '2h' }), false);
  assert.equal(matches({ newerThan: '2h' }), false);
  assert.equal(matches({ newerThan: '3h', olderThan: '119m' }), true);
  assert.equal(matches({ olderThan: '0s' }, { 'x-dead-at': 'yesterday' }), false);
  assert.equal(matches({ newerThan: '87600h' }, { 'x-dead-at': undefined }), false);
});

test('what is no filter is refused with the option named', () => {
  const refused = (filter: unknown, code: 'E_OPTION_TYPE' | 'E_OPTION_UNKNOWN' | 'E_OPTION_RANGE'): void =>
    assert.throws(
      () => letterMatch(filter as DeadLetterFilter, NOW),
      (error) => isRuntimeError(error, code),
    );
  refused({ olderThan: 'a week' }, 'E_OPTION_TYPE');
  refused({ newerThan: -1 }, 'E_OPTION_TYPE');
  refused({ tasks: 't' }, 'E_OPTION_UNKNOWN');
  refused({ id: [] }, 'E_OPTION_RANGE');
  refused({ code: 7 }, 'E_OPTION_TYPE');
});

test('ids are named once each', () => {
  assert.deepEqual(idsOf({ id: ['a', 'b', 'a'] }), ['a', 'b']);
  assert.deepEqual(idsOf({}), []);
});
