import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { uuidV7 } from '../../../src/support/uuid-v7.ts';

const SHAPE = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Far ahead of the clock, so that these tests do not share a millisecond with others of this process. */
let future = Date.now() + 3_600_000;

describe('uuidV7', () => {
  test('has the shape of a UUID of version 7 and carries its time', () => {
    future += 1000;
    const id = uuidV7(future);
    assert.match(id, SHAPE);
    assert.equal(Number.parseInt(id.replace('-', '').slice(0, 12), 16), future);
  });

  test('100,000 ids of one millisecond all differ, and each is larger than the one before', () => {
    future += 1000;
    let last = '';
    for (let count = 0; count < 100_000; count++) {
      const id = uuidV7(future);
      assert.ok(id > last, `${id} after ${last}`);
      last = id;
    }
    future += 1000;
  });

  test('ids ascend whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 200 }), (steps) => {
        let last = '';
        for (const step of steps) {
          const id = uuidV7(future + step);
          assert.match(id, SHAPE);
          assert.ok(id > last);
          last = id;
        }
      }),
    );
  });
});
