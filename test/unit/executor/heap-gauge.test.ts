import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeapGauge } from '../../../src/executor/heap-gauge.ts';

describe('HeapGauge', () => {
  it('looks once a second, and says what it saw last in between', () => {
    const gauge = new HeapGauge();
    const before = gauge.usedMiB(5_000);
    assert.ok(Number.isInteger(before) && before >= 1);
    const kept = Array.from({ length: 20 }, () => new Array<number>(1_000_000).fill(1)); // 8 MB each, on the heap
    assert.equal(gauge.usedMiB(5_999), before);
    const after = gauge.usedMiB(6_000);
    assert.ok(after > before + 20, `${before} MiB, then ${after} MiB`);
    assert.equal(kept.length, 20);
    assert.equal(gauge.usedMiB(6_001), after);
  });
});
