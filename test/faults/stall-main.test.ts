/** The main thread, which owns the sockets, stands still for longer than two heartbeats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultRandom } from '../support/fault-seed.ts';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

const STALL_MS = 3_500;

test(
  'the main thread stands still for three and a half heartbeats: a connection is lost at most, and no task is charged',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const messages = 30_000;
    const broker = amqpUrl as string;
    const job = await ProcessJob.open(t, { broker, store: mongoUrl as string });
    await job.sendNumbered('witness', messages);
    // Tasks that end while the main thread cannot see it: their timeout passes meanwhile.
    await job.send(
      'slow-witness',
      Array.from({ length: 50 }, (_, n) => ({ n, ms: 300 })),
    );
    const worker = await job.worker({ broker: `${broker}?heartbeat=1`, timeouts: { task: '1s', grace: '0ms' } });
    for (const mark of faultRandom(t).marks(2, messages * 0.1, messages * 0.6)) {
      await job.untilStored(mark);
      await worker.obey({ order: 'stall', ms: STALL_MS });
      await worker.until('it is connected', (stats) => stats?.broker === 'connected');
    }
    await worker.until('the last tasks run', () => /"begun"/.test(worker.errors));
    await worker.obey({ order: 'stall', ms: STALL_MS });
    await job.untilEnded();
    const { reconnects = 0, exits } = worker.stats ?? {};
    t.diagnostic(`${reconnects} reconnects`);
    assert.ok(reconnects >= 1, 'the broker has noticed: the fault happened');
    assert.ok(reconnects <= 3, 'one connection for each stall at most');
    assert.equal(exits, 0, 'no thread was ended for a timeout that nobody could see in time');
    const charged = await job.db.collection('stored').countDocuments({ attempt: { $ne: 1 } });
    assert.equal(charged, 0);
    await job.close();
  },
);
