import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TimeoutWatch, timeoutText, WatchedCall } from '../../../src/executor/timeout-watch.ts';
import { monotonicNow } from '../../../src/support/monotonic.ts';
import { until } from '../../support/until.ts';

const HOUR_MS = 3_600_000;

class Call extends WatchedCall {
  readonly n: number;
  readonly #told: Call[];
  /** Ms after its due time at which it was told. */
  latenessMs = Number.NaN;

  constructor(n: number, begunAtMs: number, told: Call[]) {
    super(begunAtMs);
    this.n = n;
    this.#told = told;
  }

  timeOut(): void {
    this.latenessMs = monotonicNow() - this.begunAtMs - HOUR_MS;
    this.#told.push(this);
  }
}

describe('TimeoutWatch', () => {
  it('tells every call once when it is due, in order, but none that has ended', async () => {
    /** How long each begins after the one before, and whether it ends first; in which order they end. */
    const calls = fc.array(fc.record({ afterMs: fc.nat(3), ends: fc.boolean(), rank: fc.nat() }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(calls, async (plan) => {
        const watch = new TimeoutWatch(HOUR_MS);
        const told: Call[] = [];
        // As if they had begun an hour ago: due within 40 ms from now.
        let begunAtMs = monotonicNow() - HOUR_MS + 1;
        const all = plan.map(({ afterMs, ends, rank }, n) => ({
          call: new Call(n, (begunAtMs += afterMs), told),
          ends,
          rank,
        }));
        const last = new Call(plan.length, begunAtMs + 1, told);
        for (const { call } of all) watch.add(call);
        watch.add(last);
        for (const { call } of all.filter(({ ends }) => ends).toSorted((a, b) => a.rank - b.rank)) watch.delete(call);
        await until('the last is due', () => told.includes(last));
        const expected = all.filter(({ ends }) => !ends).map(({ call }) => call.n);
        assert.deepEqual(
          told.map(({ n }) => n),
          [...expected, last.n],
        );
        assert.ok(told.every(({ latenessMs }) => latenessMs >= 0));
        // A call that was told may end afterwards, and others begin.
        for (const { call } of all) watch.delete(call);
        const next = new Call(0, monotonicNow() - HOUR_MS, told);
        watch.add(next);
        await until('the next is due', () => told.at(-1) === next);
      }),
      { numRuns: 50 },
    );
  });

  it('tells a call that was due before it was added', async () => {
    const told: Call[] = [];
    new TimeoutWatch(HOUR_MS).add(new Call(0, monotonicNow() - 2 * HOUR_MS, told));
    await until('it is told', () => told.length === 1);
  });
});

describe('timeoutText', () => {
  it('says how long the task ran and how long it may take', () => {
    assert.equal(timeoutText(20_034.7, 20_000), 'the task ran for 20034ms; its timeout is 20s');
  });
});
