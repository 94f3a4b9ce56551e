import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertMove, RUNTIME_MOVES, type RuntimeState } from '../../../src/runtime/runtime-state.ts';

const STATES = Object.keys(RUNTIME_MOVES) as RuntimeState[];

test('exactly the moves of the table are allowed', () => {
  for (const from of STATES) {
    for (const to of STATES) {
      const allowed = (RUNTIME_MOVES[from] as readonly RuntimeState[]).includes(to);
      if (allowed) assertMove(from, to);
      else
        assert.throws(() => assertMove(from, to), { code: 'E_STATE', message: new RegExp(`from ${from} to ${to};`) });
    }
  }
});

test('every state can be reached, and every state can end', () => {
  const reach = (start: RuntimeState): Set<RuntimeState> => {
    const seen = new Set<RuntimeState>([start]);
    for (const state of seen) for (const next of RUNTIME_MOVES[state]) seen.add(next);
    return seen;
  };
  assert.deepEqual([...reach('created')].sort(), [...STATES].sort());
  for (const state of STATES) {
    const ends = reach(state);
    assert.ok(ends.has('stopped') || ends.has('failed'), state);
  }
});
