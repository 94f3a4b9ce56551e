import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planFaults } from '../../../../scripts/soak/fault-plan.ts';
import { SOAK_FAULTS } from '../../../../scripts/soak/faults.ts';
import { readSoakOptions } from '../../../../scripts/soak/soak-options.ts';
import { SeededRandom } from '../../../support/fault-seed.ts';

test('fifteen minutes hold more than a hundred faults, each kind as often as it must at least', () => {
  for (let seed = 0; seed < 20; seed++) {
    const plan = planFaults(SOAK_FAULTS, 900, new SeededRandom(seed));
    assert.ok(plan.length > 100, `${plan.length}`);
    for (const { kind, least } of SOAK_FAULTS) {
      const times = plan.filter((fault) => fault.kind === kind).length;
      assert.ok(times >= least, `${kind}: ${times} of ${least}`);
    }
    const restarts = plan.filter(({ kind }) => kind === 'broker restart').length;
    assert.ok(restarts >= 3, `${restarts} broker restarts`);
    assert.ok(plan.every(({ atSeconds }, nth) => atSeconds > (plan[nth - 1]?.atSeconds ?? 0) && atSeconds < 900));
  }
});

test('the same seed gives the same plan, another one another', () => {
  const plan = (seed: number): unknown => planFaults(SOAK_FAULTS, 300, new SeededRandom(seed));
  assert.deepEqual(plan(5), plan(5));
  assert.notDeepEqual(plan(5), plan(6));
});

test('without a kind nothing is planned', () => {
  assert.deepEqual(planFaults([], 900, new SeededRandom(1)), []);
});

test('options that are no number in range are refused by name', () => {
  assert.equal(readSoakOptions(['--help']), undefined);
  assert.deepEqual(readSoakOptions(['--minutes', '2', '--seed', '0', '--sabotage'])?.sabotage, true);
  for (const words of [
    ['--minutes', '0'],
    ['--seed', 'x'],
    ['--rate', ''],
    ['--workers', '17'],
  ])
    assert.throws(() => readSoakOptions(words), { name: 'TypeError', message: new RegExp(`^${words[0]}:`) });
});
