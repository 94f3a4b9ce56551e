/** The wall clock jumps by hours while tasks run and messages wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

const HOUR_MS = 3_600_000;
const RETRY_MS = 3_000;

for (const hours of [6, -6]) {
  test(
    `the wall clock jumps by ${hours} hours: no task times out early, retries come when they are due`,
    needs(amqpUrl, mongoUrl),
    async (t) => {
      const job = await ProcessJob.open(t, { broker: amqpUrl as string, store: mongoUrl as string });
      const setting = { preload: ['shift-clock'] };
      const worker = await job.worker({ timeouts: { task: '10s', grace: '0ms' } }, setting);
      await job.send(
        'again-later',
        Array.from({ length: 20 }, (_, n) => ({ n, delayMs: RETRY_MS })),
      );
      await worker.until('retries wait', (stats) => stats?.acked === 20);
      await job.send(
        'slow-witness',
        Array.from({ length: 20 }, (_, n) => ({ n, ms: 1_500 })),
      );
      await worker.until('tasks run', () => worker.errors.includes('"begun"'));
      await worker.obey({ order: 'clock', shiftMs: hours * HOUR_MS });
      await job.untilEnded();

      const moved = (worker.stats?.now ?? 0) - Date.now();
      assert.ok(Math.abs(moved - hours * HOUR_MS) < HOUR_MS / 2, `the clock is ${moved} ms off: the fault happened`);
      assert.equal(worker.stats?.exits, 0, 'no thread was ended by a timeout');
      const stored = await job.db.collection('stored').find().toArray();
      const [slow, again] = [
        stored.filter(({ waitedMs }) => waitedMs === undefined),
        stored.filter(({ waitedMs }) => waitedMs !== undefined),
      ];
      assert.deepEqual(new Set(slow.map(({ attempt }) => attempt as number)), new Set([1]));
      assert.ok(
        slow.some(({ at }) => Math.abs(Number(at) - Date.now() - hours * HOUR_MS) < HOUR_MS / 2),
        'threads have the other clock',
      );
      assert.equal(again.length, 20);
      for (const { waitedMs } of again) assert.ok(Number(waitedMs) >= RETRY_MS, `a retry came after ${waitedMs} ms`);
      // Late by the hours of the jump is what must not happen; the rest is the machine's business.
      for (const { waitedMs } of again) assert.ok(Number(waitedMs) < HOUR_MS / 2, `a retry came after ${waitedMs} ms`);
      await job.close();
    },
  );
}
