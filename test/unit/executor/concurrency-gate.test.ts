import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ConcurrencyGate } from '../../../src/executor/concurrency-gate.ts';

describe('ConcurrencyGate', () => {
  it('lets through at most its limit, in the order of arrival, and nobody is left behind', () => {
    const arrivals = fc.array(fc.record({ sync: fc.boolean(), leave: fc.nat(3) }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), arrivals, (limit, calls) => {
        const gate = new ConcurrencyGate(limit);
        const began: number[] = [];
        const inside: number[] = [];
        const begin = (call: number, sync: boolean): void => {
          began.push(call);
          if (sync) return;
          gate.hold();
          inside.push(call);
          assert.ok(gate.held <= limit);
        };
        const leave = (): void => {
          if (inside.shift() !== undefined) gate.release();
        };
        calls.forEach(({ sync, leave: leaving }, call) => {
          if (gate.open) begin(call, sync);
          else gate.wait({ begin: () => begin(call, sync) });
          for (let n = 0; n < leaving; n++) leave();
        });
        while (inside.length > 0) leave();
        assert.deepEqual(
          began,
          calls.map((_, call) => call),
        );
        assert.equal(gate.held, 0);
      }),
    );
  });

  it('does not pile up the stack when thousands of turns end at once', () => {
    const gate = new ConcurrencyGate(1);
    gate.hold();
    let turns = 0;
    for (let n = 0; n < 20_000; n++) {
      gate.wait({
        begin: () => {
          turns++;
          gate.hold();
          gate.release();
        },
      });
    }
    gate.release();
    assert.equal(turns, 20_000);
  });
});
