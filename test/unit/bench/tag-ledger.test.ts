import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TagLedger } from '../../../bench/harness/tag-ledger.ts';

const acks = fc.array(fc.record({ tag: fc.integer({ min: 0, max: 25 }), multiple: fc.boolean() }), { maxLength: 40 });

test('settles what a list of outstanding tags would, and counts the unknown ones', () => {
  fc.assert(
    fc.property(acks, (row) => {
      const ledger = new TagLedger(20);
      const outstanding = new Set(Array.from({ length: 20 }, (_, i) => i + 1));
      let unknown = 0;
      for (const { tag, multiple } of row) {
        const each: number[] = [];
        ledger.settle(tag, multiple, (settled) => each.push(settled));
        const expected = [...outstanding].filter((open) => (multiple ? open <= tag : open === tag));
        if (!outstanding.has(tag)) unknown++;
        else for (const open of expected) outstanding.delete(open);
        if (each.length > 0) assert.deepEqual(each, expected);
        assert.equal(ledger.settled, 20 - outstanding.size);
        assert.equal(ledger.unknown, unknown);
      }
    }),
  );
});
