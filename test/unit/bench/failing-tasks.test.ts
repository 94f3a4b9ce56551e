import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failingAmong, failsFirst } from '../../../bench/harness/failing-tasks.ts';
import { signatureAt } from '../../../bench/harness/message-source.ts';

test('one message of a hundred fails first, and the harness knows how many that are', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2000 }), fc.nat(), (messages, seed) => {
      let failing = 0;
      for (let index = 0; index < messages; index++) if (failsFirst(signatureAt(seed, index))) failing++;
      assert.equal(failing, failingAmong(messages));
    }),
    { numRuns: 20 },
  );
});
