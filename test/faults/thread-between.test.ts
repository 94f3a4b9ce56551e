/** A thread that dies between the moment its effects are stored and the moment it could say so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

const MESSAGES = 600;
const DEATHS = 4;
/** Batches of at most 40: a thread that ends has written two at most, and nothing ends when they are written again. */
const PREFETCH = 40;

for (const [task, what] of [
  ['witness', 'documents'],
  ['pair', 'documents and counters'],
] as const) {
  test(
    `a thread that dies between result and reply: its ${what} are written once, and nobody is charged`,
    needs(amqpUrl, mongoUrl),
    async (t) => {
      const job = await ProcessJob.open(t, { broker: amqpUrl as string, store: mongoUrl as string });
      await job.send(
        task,
        Array.from({ length: MESSAGES }, (_, n) => ({ n, counter: `c${n % 7}` })),
      );
      const setting = { preload: ['die-after-write'], env: { DIE_AFTER_WRITE: String(DEATHS) } };
      const worker = await job.worker({ prefetch: PREFETCH }, setting);
      await worker.until('threads died', (stats) => (stats?.exits ?? 0) >= DEATHS);
      await job.untilEnded();
      assert.equal(worker.stats?.exits, DEATHS, 'the fault happened');
      assert.ok((worker.stats?.reruns ?? 0) > 0, 'what was stored ran again');
      const counters = await job.db.collection('counters').find().toArray();
      const by = counters.flatMap((counter) => counter['by'] as string[]);
      if (task === 'pair') assert.deepEqual(by.sort(), [...job.confirmed].sort(), 'each counted once');
      else assert.equal(await job.db.collection('stored').countDocuments({ attempt: { $ne: 1 } }), 0);
      const { deadLettered } = await job.close();
      assert.deepEqual(deadLettered, []);
    },
  );
}
