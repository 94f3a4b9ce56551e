import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allocatedDuring } from '../../../bench/harness/allocation.ts';

const ROUNDS = 40;
const KIB = 1024;
/** Buffers are looked at by the clock, every millisecond: nothing tells when the next look has been. */
const FOR_A_LOOK_MS = 3;

test('what is allocated and forgotten at once is counted, heap and buffers apart', async () => {
  let kept: unknown;
  const { sites, bufferBytes } = await allocatedDuring(async () => {
    for (let round = 0; round < ROUNDS; round++) {
      kept = [Buffer.allocUnsafeSlow(64 * KIB), Array.from({ length: 8 * KIB }, () => ({ round }))];
      await sleep(FOR_A_LOOK_MS);
    }
  });
  assert.ok(Array.isArray(kept));
  const heapBytes = sites.reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(bufferBytes >= ROUNDS * 32 * KIB && bufferBytes <= ROUNDS * 128 * KIB, `${bufferBytes} bytes of buffers`);
  assert.ok(heapBytes >= ROUNDS * 128 * KIB && heapBytes <= ROUNDS * 1024 * KIB, `${heapBytes} bytes of heap`);
});
