/** Signals to the worker process: it drains, or is cut short, and the ledger is the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultRandom } from '../support/fault-seed.ts';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

const servers = { broker: amqpUrl as string, store: mongoUrl as string };

test(
  'SIGTERM at random points: each time the worker drains, and the next one goes on',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const messages = 60_000;
    const job = await ProcessJob.open(t, servers);
    await job.sendNumbered('store', messages);
    let stored = 0;
    for (const mark of faultRandom(t).marks(3, messages * 0.05, messages * 0.6)) {
      const worker = await job.worker();
      // By what it says of itself: to count what is stored takes so long that the work could be done by then.
      await worker.until('the mark', (stats) => stored + (stats?.acked ?? 0) >= mark);
      assert.deepEqual(await worker.terminate(), { code: 0, signal: null }, worker.errors);
      stored = await job.count();
      assert.ok(stored < messages, 'the signal came in the middle of the work');
      // What is not stored is in the queue, and nothing is both.
      await job.untilReady(messages - stored);
    }
    await job.worker();
    await job.untilEnded();
    await job.close();
  },
);

test(
  'a second SIGTERM ends the worker at once, and what it held is delivered again',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const job = await ProcessJob.open(t, servers);
    await job.send(
      'slow-witness',
      Array.from({ length: 40 }, (_, n) => ({ n, ms: n < 20 ? 0 : 600_000 })),
    );
    const worker = await job.worker();
    await worker.until('all have begun', () => count(worker.errors, /"begun"/g) >= 40);
    worker.signal('SIGTERM');
    await worker.until('it drains', (stats) => stats?.state === 'draining');
    worker.signal('SIGTERM');
    assert.deepEqual(await worker.exited, { code: 143, signal: null });
    // What was stored a moment before may have lost its ack: then it is in the queue as well.
    const { stored, queued } = await job.close({ mayOverlap: true });
    assert.ok(stored.length <= 20, 'the stuck ones are not stored');
    assert.ok(queued.length >= 20, 'they are in the queue');
  },
);

test(
  'tasks that outlast the grace are cut off and run again, with no attempt counted',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const messages = 200;
    const random = faultRandom(t);
    const job = await ProcessJob.open(t, servers);
    // Some end within the grace, some would not: which is which depends on the seed.
    await job.send(
      'slow-witness',
      Array.from({ length: messages }, (_, n) => ({ n, ms: random.integer(0, 2_000) })),
    );
    for (let round = 0; round < 2; round++) {
      const worker = await job.worker({ shutdown: { grace: '200ms' } });
      await worker.until('tasks run', () => count(worker.errors, /"begun"/g) > 0);
      assert.equal((await worker.terminate()).code, 0, worker.errors);
    }
    assert.ok((await job.count()) < messages, 'some were cut off');
    await job.worker();
    await job.untilEnded();
    const witnesses = await job.db.collection('stored').find({ redelivered: true }).toArray();
    assert.ok(witnesses.length > 0, 'what was cut off was delivered again');
    assert.deepEqual([...new Set(witnesses.map(({ attempt }) => attempt as unknown))], [1]);
    await job.close();
  },
);

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
