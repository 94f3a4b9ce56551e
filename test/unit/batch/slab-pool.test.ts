import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLAB_BYTES, SlabPool } from '../../../src/batch/slab-pool.ts';

test('a slab that held one message of just its size holds many small ones afterwards', () => {
  const pool = new SlabPool(SLAB_BYTES);
  const slab = pool.take(SLAB_BYTES - 4);
  pool.give(slab);
  const again = pool.take(100);
  assert.equal(again, slab, 'it is used again');
  assert.ok(again.starts.length > 1, `it has room for ${again.starts.length} records`);
});
