import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RawDelivery } from '../../../src/batch/raw-delivery.ts';
import { SLAB_BYTES, SlabPool } from '../../../src/batch/slab-pool.ts';
import { type CutBatch, DeliveryBatcher } from '../../../src/delivery/delivery-batcher.ts';

function delivery(tag: number, bodyBytes: number): RawDelivery {
  const source = Buffer.alloc(bodyBytes + 2, tag & 0xff);
  return {
    tag,
    redelivered: false,
    source,
    propertiesStart: 0,
    propertiesEnd: 2,
    bodyStart: 2,
    bodyEnd: 2 + bodyBytes,
  };
}

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      bytes: fc.constantFrom(0, 10, 300, 200_000, 600_000, 1_200_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      max: fc.integer({ min: 1, max: 9 }),
      maxBytes: fc.constantFrom(100, 5_000, 400_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('settle' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('epoch' as const) }) },
);

test('batches come out in order, once, with their own tags, and every slab returns to the pool', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      const pool = new SlabPool(4 * SLAB_BYTES);
      const batcher = new DeliveryBatcher(pool);
      let epoch = 1;
      let nextTag = 1;
      let waiting: number[] = [];
      const out: CutBatch[] = [];
      batcher.openEpoch(epoch);
      for (const command of commands) {
        if (command.kind === 'append') {
          batcher.append(delivery(nextTag, command.bytes), nextTag);
          waiting.push(nextTag++);
        } else if (command.kind === 'cut') {
          const cut = batcher.cut(command.max, command.maxBytes);
          if (cut === undefined) {
            assert.deepEqual(waiting, []);
            continue;
          }
          assert.ok(cut.count >= 1 && cut.count <= command.max);
          const tags = Array.from({ length: cut.count }, (_, n) => cut.slab.firstTag + cut.fromRecord + n);
          assert.deepEqual(tags, waiting.splice(0, cut.count));
          for (let n = 0; n < cut.count; n++) {
            const { body } = cut.slab.record(cut.fromRecord + n);
            if (body.length > 0) assert.equal(body[0], (tags[n] as number) & 0xff);
          }
          assert.equal(cut.slab.epoch, epoch);
          out.push(cut);
        } else if (command.kind === 'settle' && out.length > 0) {
          const [cut] = out.splice(command.pick % out.length, 1) as [CutBatch];
          batcher.settled(cut.slab, cut.count);
        } else if (command.kind === 'epoch') {
          assert.equal(batcher.openEpoch(++epoch), waiting.length);
          waiting = [];
          nextTag = 1;
        }
        assert.equal(batcher.messages, waiting.length);
        assert.equal(batcher.firstWaitingTag, waiting[0] ?? 0);
        assert.equal(batcher.oldestArrival, waiting[0]);
      }
      batcher.drop();
      for (const cut of out) batcher.settled(cut.slab, cut.count);
      assert.equal(pool.usedBytes, 0, 'all slabs are back');
      assert.equal(batcher.bytes, 0);
    }),
    { numRuns: 400 },
  );
});
