/** Threads that die in every way a task can end them, among messages that have done nothing wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultRandom } from '../support/fault-seed.ts';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

const servers = { broker: amqpUrl as string, store: mongoUrl as string };
const INNOCENTS = 1_500;

interface Death {
  readonly how: string;
  readonly task: string;
  readonly code: string;
  readonly outcome: string;
  readonly reason: RegExp;
  /** Threads that two attempts cost. */
  readonly deaths: number;
}

const DEATHS: readonly Death[] = [
  {
    how: 'a task that throws costs no thread',
    task: 'throwing',
    code: 'E_TASK_FAILED',
    outcome: 'failed',
    reason: /thrown by the task/,
    deaths: 0,
  },
  {
    how: 'process.exit in a task costs its thread',
    task: 'exiting',
    code: 'E_TASK_CRASHED',
    outcome: 'crashed',
    reason: /exit/,
    deaths: 2,
  },
  {
    how: 'an endless loop is ended at its timeout',
    task: 'looping',
    code: 'E_TASK_TIMEOUT',
    outcome: 'timed-out',
    reason: /300|timeout/,
    deaths: 2,
  },
  {
    how: 'a full heap costs its thread',
    task: 'filling-heap',
    code: 'E_TASK_CRASHED',
    outcome: 'crashed',
    reason: /heap|memory/i,
    deaths: 2,
  },
  {
    how: 'a rejection that nobody handles costs its thread',
    task: 'rejecting-loose',
    code: 'E_TASK_CRASHED',
    outcome: 'crashed',
    reason: /nobody waits for this promise/,
    deaths: 2,
  },
];

for (const { how, task, code, outcome, reason, deaths } of DEATHS) {
  test(`${how}: it alone is dead-lettered, after its two attempts`, needs(amqpUrl, mongoUrl), async (t) => {
    const job = await ProcessJob.open(t, servers);
    const at = faultRandom(t).integer(1, INNOCENTS);
    await job.sendNumbered('witness', at);
    const [killer] = await job.sendNumbered(task, 1);
    await job.sendNumbered('witness', INNOCENTS - at);
    const worker = await job.worker({ threads: 2, threadLimits: { heap: '64MiB' } });
    await job.untilEnded();
    assert.equal(worker.stats?.exits, deaths, 'the fault happened');
    const retried = await job.db.collection('stored').countDocuments({ attempt: { $ne: 1 } });
    assert.equal(retried, 0, 'no innocent was charged with an attempt');
    const { deadLettered } = await job.close();
    assert.deepEqual(deadLettered, [killer]);
    const [letter] = await job.deadLetters();
    const headers = letter?.properties.headers ?? {};
    assert.deepEqual([headers['x-error-code'], headers['x-outcome'], headers['x-attempt']], [code, outcome, 2]);
    assert.match(String(headers['x-error-message']), reason);
  });
}

test(
  'timers left over by tasks that are done kill threads, and charge no other task',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const random = faultRandom(t);
    const job = await ProcessJob.open(t, servers);
    const leavers: string[] = [];
    for (let n = 0; n < 8; n++) {
      await job.sendNumbered('witness', INNOCENTS / 10);
      leavers.push(...(await job.send('leaving-timer', [{ n, ms: random.integer(0, 30) }])));
    }
    const worker = await job.worker({ threads: 2 });
    await job.untilEnded();
    await worker.until('a timer has thrown', (stats) => (stats?.exits ?? 0) >= 1);
    const retried = await job.db.collection('stored').countDocuments({ attempt: { $gt: 1 } });
    assert.equal(retried, 0, 'no innocent was charged with an attempt');
    // One that was alone, and whose timer threw twice before its write was answered, is stored and a dead letter.
    const { deadLettered, overlaps } = await job.close({ mayOverlap: true });
    for (const id of [...deadLettered, ...overlaps]) assert.ok(leavers.includes(id), `${id} left no timer`);
  },
);
