import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Turns } from '../../../src/delivery/turns.ts';

/** Lanes 0, 1, … served one batch at a time in simulated time. */
class Rig {
  readonly work: boolean[];
  readonly served: number[];
  readonly turns: Turns<number>;
  readonly #weights: readonly number[];

  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.work = weights.map(() => true);
    this.served = weights.map(() => 0);
    this.turns = new Turns(
      weights.map((weight, lane) => ({ lane, weight })),
      (lane) => this.work[lane] === true,
    );
  }

  /** Serves the most entitled lane; returns it, undefined when none has work. */
  serve(tookMs: (lane: number) => number): number | undefined {
    const [lane] = this.turns.order();
    if (lane === undefined) return undefined;
    const ms = tookMs(lane);
    this.turns.begin(lane, ms);
    this.turns.end(lane, ms, ms);
    this.served[lane] = (this.served[lane] ?? 0) + ms;
    return lane;
  }

  share(lane: number): number {
    return (this.served[lane] ?? 0) / (this.#weights[lane] ?? 1);
  }

  forget(): void {
    this.served.fill(0);
  }
}

const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 });

describe('Turns', () => {
  it('names only lanes with work', () => {
    const rig = new Rig([1, 1, 1]);
    rig.work[1] = false;
    assert.deepEqual(
      [...rig.turns.order()].sort((a, b) => a - b),
      [0, 2],
    );
    rig.work.fill(false);
    assert.deepEqual(rig.turns.order(), []);
  });

  it('gives a weight of 3 three times as much as a weight of 1', () => {
    const rig = new Rig([1, 3]);
    for (let turn = 0; turn < 400; turn++) rig.serve(() => 10);
    assert.deepEqual(rig.served, [1000, 3000]);
  });

  it('takes turns where tasks are too short to measure', () => {
    const rig = new Rig([1, 1, 1]);
    const order = Array.from({ length: 6 }, () => rig.serve(() => 0) ?? -1);
    assert.deepEqual(
      order.slice(0, 3).sort((a, b) => a - b),
      [0, 1, 2],
    );
    assert.deepEqual(
      order.slice(3).sort((a, b) => a - b),
      [0, 1, 2],
    );
  });

  it('charges a batch when it begins, so that one lane does not take every thread', () => {
    const rig = new Rig([1, 1]);
    const first = rig.turns.order()[0] as number;
    rig.turns.begin(first, 10);
    assert.equal(rig.turns.order()[0], 1 - first);
  });

  it('serves lanes that are always full by their weights, within one batch of each', () => {
    fc.assert(
      fc.property(weights, fc.array(fc.nat(1_000), { minLength: 1, maxLength: 300 }), (given, sizes) => {
        const rig = new Rig(given);
        const longest = Math.max(1, ...sizes);
        sizes.forEach((size) => rig.serve(() => size));
        for (let a = 0; a < given.length; a++) {
          for (let b = 0; b < given.length; b++) {
            const bound = longest / (given[a] ?? 1) + longest / (given[b] ?? 1);
            assert.ok(Math.abs(rig.share(a) - rig.share(b)) <= bound + 1);
          }
        }
      }),
    );
  });

  it('does so over several threads, with expectations that are wrong', () => {
    const batch = fc.record({ expected: fc.nat(1_000), took: fc.integer({ min: 1, max: 100 }), ends: fc.nat(7) });
    fc.assert(
      fc.property(
        weights,
        fc.integer({ min: 1, max: 8 }),
        fc.array(batch, { minLength: 50, maxLength: 300 }),
        (given, slots, batches) => {
          const rig = new Rig(given);
          const running: { lane: number; expected: number; took: number }[] = [];
          const end = (n: number): void => {
            const [ended] = running.splice(n % running.length, 1);
            if (ended === undefined) return;
            rig.turns.end(ended.lane, ended.expected, ended.took);
            rig.served[ended.lane] = (rig.served[ended.lane] ?? 0) + ended.took;
          };
          for (const { expected, took, ends } of batches) {
            if (running.length === slots) end(ends);
            const [lane] = rig.turns.order();
            assert.ok(lane !== undefined);
            rig.turns.begin(lane, expected);
            running.push({ lane, expected, took });
          }
          while (running.length > 0) end(0);
          // What runs at once was begun on expectations: a lane may be ahead or behind by that much.
          const bound = (a: number): number => (slots * (100 + 1_000)) / (given[a] ?? 1);
          for (let a = 0; a < given.length; a++)
            for (let b = 0; b < given.length; b++)
              assert.ok(Math.abs(rig.share(a) - rig.share(b)) <= bound(a) + bound(b));
        },
      ),
    );
  });

  it('starves no lane: whatever others do, one with work is served before anyone is far ahead of it', () => {
    const step = fc.record({ flip: fc.nat(5), size: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(weights, fc.array(step, { maxLength: 300 }), (given, steps) => {
        const rig = new Rig(given);
        rig.turns.order();
        for (const { flip, size } of steps) {
          // Lane 0 always has work; the others come and go.
          if (flip > 0 && flip < given.length) rig.work[flip] = rig.work[flip] !== true;
          rig.serve(() => size);
          const bound = (lane: number): number => 50 / (given[lane] ?? 1);
          for (let lane = 1; lane < given.length; lane++) {
            assert.ok(rig.share(lane) - rig.share(0) <= bound(lane) + bound(0) + 1, 'none gets more for its weight');
          }
        }
      }),
    );
  });

  it('lets a lane that was idle catch up nothing, and holds nothing against the one that worked meanwhile', () => {
    fc.assert(
      fc.property(weights, fc.nat(300), fc.integer({ min: 1, max: 50 }), (given, alone, size) => {
        const rig = new Rig([...given, 1]);
        const late = given.length;
        rig.work[late] = false;
        for (let turn = 0; turn < alone; turn++) rig.serve(() => size);
        rig.work[late] = true;
        rig.forget();
        for (let turn = 0; turn < 300; turn++) {
          rig.serve(() => size);
          for (let lane = 0; lane < late; lane++) {
            // Of the time before only what differs between batches that do not fit exactly.
            const bound = 2 * (size / (given[lane] ?? 1) + size);
            assert.ok(Math.abs(rig.share(lane) - rig.share(late)) <= bound + 1);
          }
        }
      }),
    );
  });

  it('begins anew after all were idle: who was served alone before is not behind those who come then', () => {
    const rig = new Rig([1, 1]);
    rig.work[1] = false;
    for (let turn = 0; turn < 100; turn++) rig.serve(() => 10);
    rig.work.fill(false);
    rig.turns.order();
    rig.work[1] = true;
    rig.serve(() => 10);
    rig.work[0] = true;
    rig.forget();
    for (let turn = 0; turn < 10; turn++) rig.serve(() => 10);
    assert.deepEqual(rig.served, [50, 50]);
  });

  it('is not misled by an expectation that was far too high: who came meanwhile is not behind for it', () => {
    const rig = new Rig([1, 1]);
    rig.work[1] = false;
    rig.turns.order();
    rig.turns.begin(0, 50_000);
    rig.work[1] = true;
    assert.deepEqual(rig.turns.order(), [1, 0]);
    rig.turns.end(0, 50_000, 10);
    for (let turn = 0; turn < 11; turn++) rig.serve(() => 10);
    assert.deepEqual(rig.served, [50, 60], 'the 10 ms that lane 0 had taken before are all that is between them');
  });

  it('keeps the claim of a lane whose last waiting message has gone to a thread', () => {
    const rig = new Rig([1, 1]);
    rig.turns.order();
    rig.turns.begin(0, 10);
    rig.work[0] = false;
    rig.turns.order();
    rig.turns.end(0, 10, 10);
    rig.work[0] = true;
    rig.turns.begin(1, 100);
    rig.turns.end(1, 100, 100);
    assert.equal(rig.turns.order()[0], 0);
  });
});
