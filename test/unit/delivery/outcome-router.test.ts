import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OutcomeKind } from '../../../src/batch/outcome-packer.ts';
import { type Ending, type RoutingRules, routeOutcome } from '../../../src/delivery/outcome-router.ts';
import { ERROR_CODES } from '../../../src/errors/codes.ts';
import { DEFAULT_RETRY } from '../../../src/task/retry-policy.ts';

const RULES: RoutingRules = {
  policy: { ...DEFAULT_RETRY, jitter: 'none', never: ['E_NEVER', 'TypeError'] },
  unknownTasks: { waitMs: 7_000, limit: 3 },
};

function ending(kind: OutcomeKind, changes: Partial<Ending> = {}): Ending {
  return {
    kind,
    code: 'E_TASK_FAILED',
    errorName: 'Error',
    delayMs: undefined,
    attempt: 1,
    waits: 0,
    namesTask: true,
    ...changes,
  };
}

const KINDS: readonly OutcomeKind[] = [
  'failed',
  'timed-out',
  'crashed',
  'snoozed',
  'interrupted',
  'discarded',
  'cancelled',
  'expired',
  'unknown',
];

test('each kind of ending goes where the table says', () => {
  const routes = KINDS.map((kind) => [kind, routeOutcome(ending(kind), RULES, 0).to]);
  assert.deepEqual(Object.fromEntries(routes), {
    failed: 'retry',
    'timed-out': 'retry',
    crashed: 'retry',
    snoozed: 'wait',
    interrupted: 'give-back',
    discarded: 'settle',
    cancelled: 'settle',
    expired: 'expired',
    unknown: 'run-again',
  });
});

test('the last attempt ends in the dead letters, whatever it failed with', () => {
  for (const kind of ['failed', 'timed-out', 'crashed'] as const) {
    assert.equal(routeOutcome(ending(kind, { attempt: 2 }), RULES, 0).to, 'retry');
    assert.equal(routeOutcome(ending(kind, { attempt: 3 }), RULES, 0).to, 'dead-letter');
    assert.equal(routeOutcome(ending(kind, { attempt: 99, delayMs: 5 }), RULES, 0).to, 'dead-letter');
  }
});

test('an error that no attempt can cure is not tried again', () => {
  assert.equal(routeOutcome(ending('failed', { code: 'E_NEVER' }), RULES, 0).to, 'dead-letter');
  assert.equal(routeOutcome(ending('failed', { errorName: 'TypeError' }), RULES, 0).to, 'dead-letter');
  for (const [code, { retryable }] of Object.entries(ERROR_CODES)) {
    if (code === 'E_TASK_UNKNOWN') continue;
    const { to } = routeOutcome(ending('failed', { code }), RULES, 0);
    assert.equal(to, retryable ? 'retry' : 'dead-letter', code);
  }
  assert.equal(routeOutcome(ending('failed', { code: 'toString' }), RULES, 0).to, 'retry');
});

test('an unknown task waits so many times, and not at all where the message names none', () => {
  const unknown = (changes: Partial<Ending>): string =>
    routeOutcome(ending('failed', { code: 'E_TASK_UNKNOWN', ...changes }), RULES, 0).to;
  assert.deepEqual(routeOutcome(ending('failed', { code: 'E_TASK_UNKNOWN', attempt: 50 }), RULES, 0), {
    to: 'wait',
    delayMs: 7_000,
    forTask: true,
  });
  assert.equal(unknown({ waits: 2 }), 'wait');
  assert.equal(unknown({ waits: 3 }), 'dead-letter');
  assert.equal(unknown({ namesTask: false }), 'dead-letter');
});

test('a delay that the task or its error asks for goes before the policy', () => {
  assert.deepEqual(routeOutcome(ending('failed', { delayMs: 123 }), RULES, 0), { to: 'retry', delayMs: 123 });
  assert.deepEqual(routeOutcome(ending('failed', { attempt: 2 }), RULES, 0), { to: 'retry', delayMs: 2_000 });
  assert.deepEqual(routeOutcome(ending('snoozed', { delayMs: 55, attempt: 99 }), RULES, 0), {
    to: 'wait',
    delayMs: 55,
    forTask: false,
  });
});

test('a task whose documents another transaction holds waits a little, no attempt counted', () => {
  const contended = ending('unknown', { code: 'E_STORE_CONTENDED', attempt: 99 });
  assert.deepEqual(routeOutcome(contended, RULES, 0), { to: 'wait', delayMs: 1_000, forTask: false });
  assert.deepEqual(routeOutcome(contended, RULES, 0.5), { to: 'wait', delayMs: 2_000, forTask: false });
});

test('every ending has a route, and only a counted one is ever retried or counted out', () => {
  const anyEnding = fc.record({
    kind: fc.constantFrom(...KINDS),
    code: fc.option(fc.constantFrom('E_TASK_FAILED', 'E_TASK_TIMEOUT', 'ECONNRESET', 'E_STORE_REFUSED'), {
      nil: undefined,
    }),
    errorName: fc.option(fc.string(), { nil: undefined }),
    delayMs: fc.option(fc.nat(), { nil: undefined }),
    attempt: fc.integer({ min: 1, max: 2_000 }),
    waits: fc.nat(100),
    namesTask: fc.boolean(),
  });
  fc.assert(
    fc.property(anyEnding, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (one, random) => {
      const route = routeOutcome(one, RULES, random);
      const counted = one.kind === 'failed' || one.kind === 'timed-out' || one.kind === 'crashed';
      assert.equal(route.to === 'retry' || route.to === 'dead-letter', counted);
      if (route.to === 'retry') assert.ok(one.attempt < RULES.policy.attempts && Number.isFinite(route.delayMs));
    }),
  );
});
