import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interleave } from '../../../bench/harness/interleave.ts';

const CONTENDERS = ['a', 'b', 'c'];

test('every round runs every contender once on the same messages, after a warm-up round', () => {
  const turns = interleave(CONTENDERS, 7, 1);
  assert.equal(turns.length, 8 * 3);
  for (let round = 0; round <= 7; round++) {
    const row = turns.slice(round * 3, round * 3 + 3);
    assert.ok(row.every((turn) => turn.round === round));
    assert.deepEqual(row.map((turn) => turn.contender).sort(), CONTENDERS);
    assert.equal(new Set(row.map((turn) => turn.seed)).size, 1);
  }
  assert.equal(new Set(turns.map((turn) => turn.seed)).size, 8);
});

test('the order changes from round to round and comes again with the same seed', () => {
  const order = (seed: number): string[] => interleave(CONTENDERS, 20, seed).map((turn) => turn.contender);
  assert.deepEqual(order(1), order(1));
  const rounds = new Set(
    Array.from({ length: 21 }, (_, round) =>
      order(1)
        .slice(round * 3, round * 3 + 3)
        .join(),
    ),
  );
  assert.ok(rounds.size > 2, `${rounds.size} different orders in 21 rounds`);
});
