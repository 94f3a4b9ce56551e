import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueOptionsSymbol } from 'piscina';
import { Ledger } from '../../../src/batch/ledger.ts';
import { type Assignment, assignmentBalancer } from '../../../src/executor/thread/assignment.ts';

/** Threads by the number of runs that each has; the first has id 1. */
function give(runs: readonly number[], avoid: readonly number[] = [], leaving: readonly number[] = []): Assignment {
  const { shared } = Ledger.allocate(1);
  const assignment: Assignment = { threadId: undefined, ledger: shared, avoid: new Set(avoid) };
  const balance = assignmentBalancer((threadId) => !leaving.includes(threadId));
  const threads = runs.map((currentUsage, index) => ({ id: index + 1, currentUsage }));
  balance({ [queueOptionsSymbol]: assignment } as never, threads as never);
  assert.equal(new Ledger(shared).assignedTo, assignment.threadId ?? 0, 'the ledger says so, too');
  return assignment;
}

test('a run goes to the thread with the fewest, and waits where all are full', () => {
  assert.equal(give([1, 0, 1]).threadId, 2);
  assert.equal(give([2, 1]).threadId, 2);
  assert.equal(give([2, 2]).threadId, undefined);
});

test('a thread that is to be avoided is taken only where no other has room', () => {
  assert.equal(give([0, 1], [1]).threadId, 2);
  assert.equal(give([0, 2], [1]).threadId, 1);
  assert.equal(give([1, 0], [1, 2]).threadId, 2);
});

test('a thread that is to get no more runs gets none', () => {
  assert.equal(give([0, 1], [2], [1]).threadId, 2);
  assert.equal(give([0], [], [1]).threadId, undefined);
});
