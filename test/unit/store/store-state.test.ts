import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';
import { STORE_STATE_NEXT, type StoreState, StoreStateField } from '../../../src/store/store-state.ts';

const WAY_TO: Record<StoreState, readonly StoreState[]> = {
  created: [],
  connected: ['connected'],
  away: ['connected', 'away'],
  stopped: ['stopped'],
};
const STATES = Object.keys(STORE_STATE_NEXT) as StoreState[];

test('only the moves of the table are possible, and staying', () => {
  for (const from of STATES) {
    for (const to of STATES) {
      const field = new StoreStateField();
      for (const step of WAY_TO[from]) field.moveTo(step);
      const allowed: readonly StoreState[] = STORE_STATE_NEXT[from];
      if (allowed.includes(to) || from === to) {
        field.moveTo(to);
        assert.equal(field.state, to);
      } else {
        assert.throws(
          () => field.moveTo(to),
          (error) => isRuntimeError(error, 'E_STATE'),
          `${from} → ${to}`,
        );
        assert.equal(field.state, from);
      }
    }
  }
});

test('there is a reason only while the store is away', () => {
  const field = new StoreStateField();
  field.moveTo('connected', 'ignored');
  assert.equal(field.reason, undefined);
  field.moveTo('away', 'cable');
  field.moveTo('away', 'switch');
  assert.equal(field.reason, 'switch');
  field.moveTo('connected');
  assert.equal(field.reason, undefined);
});
