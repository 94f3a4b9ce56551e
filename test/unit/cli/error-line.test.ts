import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complain } from '../../../src/cli/error-line.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';

test('messages that were not confirmed end send with 1, what keeps a command from starting with 3', () => {
  const incomplete = new RuntimeError('E_SEND_INCOMPLETE', '1 of 2 messages were not confirmed');
  assert.deepEqual(complain(incomplete), {
    exitCode: 1,
    text: 'millrace: E_SEND_INCOMPLETE: 1 of 2 messages were not confirmed',
  });
  assert.equal(complain(new RuntimeError('E_BROKER_AUTH', 'refused')).exitCode, 3);
  assert.equal(complain(new RuntimeError('E_OPTION_RANGE', 'too much')).exitCode, 2);
});
