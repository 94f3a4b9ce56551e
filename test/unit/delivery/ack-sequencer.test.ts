import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AckSequencer } from '../../../src/delivery/ack-sequencer.ts';
import { NaiveAckSequencer, UnackedModel } from '../../reference/naive-ack-sequencer.ts';

type Emitted = [tag: number, multiple: boolean];

function emitted(sequencer: AckSequencer): Emitted[] {
  const acks: Emitted[] = [];
  sequencer.take((tag, multiple) => acks.push([tag, multiple]));
  return acks;
}

test('a finished prefix is acked in one frame', () => {
  const sequencer = new AckSequencer(10);
  sequencer.delivered(5);
  sequencer.settle(1, 3);
  assert.deepEqual(emitted(sequencer), [[3, true]]);
  assert.deepEqual(emitted(sequencer), []);
});

test('nothing is acked while the first tag is open', () => {
  const sequencer = new AckSequencer(10);
  sequencer.delivered(5);
  sequencer.settle(2, 2);
  assert.deepEqual(emitted(sequencer), []);
  sequencer.settle(1, 1);
  assert.deepEqual(emitted(sequencer), [[3, true]]);
});

test('a prefix that ends in a closed tag is acked at its highest settled tag', () => {
  const sequencer = new AckSequencer(10);
  sequencer.delivered(4);
  sequencer.settle(1, 2);
  sequencer.close(3);
  assert.deepEqual(emitted(sequencer), [[2, true]]);
});

test('a prefix of closed tags alone emits nothing, and never tag 0', () => {
  const sequencer = new AckSequencer(10);
  sequencer.delivered(2);
  sequencer.close(1);
  sequencer.close(2);
  assert.deepEqual(emitted(sequencer), []);
});

test('a straggler does not hold back more than half the prefetch', () => {
  const sequencer = new AckSequencer(4);
  sequencer.delivered(4);
  sequencer.settle(2, 3);
  assert.deepEqual(emitted(sequencer), [
    [2, false],
    [3, false],
    [4, false],
  ]);
  sequencer.settle(1, 1);
  assert.deepEqual(emitted(sequencer), [[1, false]]);
});

test('with a prefetch of two, a straggler does not hold back the only other message', () => {
  const sequencer = new AckSequencer(2);
  sequencer.delivered(2);
  sequencer.settle(2, 1);
  assert.deepEqual(emitted(sequencer), [[2, false]]);
});

/** One step of a random life: deliver some, finish some open ones in any order, write the acks. */
const step = fc.record({
  deliver: fc.nat(12),
  finish: fc.array(fc.record({ pick: fc.nat(1000), how: fc.constantFrom('settle', 'settle', 'settle', 'nack') }), {
    maxLength: 14,
  }),
  take: fc.boolean(),
});

function live(
  prefetch: number,
  steps: readonly { deliver: number; finish: readonly { pick: number; how: string }[]; take: boolean }[],
  keep: number,
): void {
  const sequencer = new AckSequencer(prefetch);
  const naive = new NaiveAckSequencer();
  const broker = new UnackedModel();
  const naiveBroker = new UnackedModel();
  const open: number[] = [];
  const settled = new Set<number>();
  const finish = (position: number, how: string): void => {
    const [tag] = open.splice(position, 1) as [number];
    if (how === 'nack') {
      broker.nack(tag);
      naiveBroker.nack(tag);
      sequencer.close(tag);
    } else {
      settled.add(tag);
      sequencer.settle(tag, 1);
      naive.settle(tag, 1);
    }
  };
  const take = (): void => {
    sequencer.take((tag, multiple) => broker.ack(tag, multiple));
    naive.take((tag, multiple) => naiveBroker.ack(tag, multiple));
    for (const tag of broker.acked) assert.ok(settled.has(tag), `tag ${tag} was acked before it was settled`);
  };
  for (const { deliver, finish: finishes, take: takes } of steps) {
    for (let n = 0; n < deliver && broker.unacked.size < prefetch; n++) {
      const tag = broker.deliver();
      naiveBroker.deliver();
      open.push(tag);
      sequencer.delivered(tag);
    }
    // tags at the front of `open` up to `keep` stay open: stragglers
    for (const { pick, how } of finishes) if (open.length > keep) finish(keep + (pick % (open.length - keep)), how);
    if (takes) take();
  }
  assert.equal(sequencer.open, open.length);
  while (open.length > 0) finish(open.length - 1, 'settle');
  take();
  assert.equal(broker.unacked.size, 0, 'everything settled is acked in the end');
  assert.deepEqual(broker.acked, naiveBroker.acked, 'the same tags are acked as by the obvious sequencer');
  assert.equal(sequencer.owed, 0);
}

test('against the model of the broker, any order acks exactly what was settled', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 60 }), (prefetch, steps) =>
      live(prefetch, steps, 0),
    ),
    { numRuns: 2000 },
  );
});

test('against the model of the broker, stragglers held for many windows are acked once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 8 }),
      fc.integer({ min: 1, max: 2 }),
      fc.array(step, { minLength: 60, maxLength: 120 }),
      (prefetch, keep, steps) => live(prefetch, steps, Math.min(keep, prefetch - 1)),
    ),
    { numRuns: 500 },
  );
});

test('a smaller prefetch lets fewer wait behind a straggler from then on', () => {
  const sequencer = new AckSequencer(100, 100);
  sequencer.delivered(4);
  sequencer.settle(2, 3);
  assert.deepEqual(emitted(sequencer), []);
  sequencer.prefetch = 4;
  assert.deepEqual(emitted(sequencer), [
    [2, false],
    [3, false],
    [4, false],
  ]);
});
