/** A message that ends the whole process each time it runs, and what becomes of those that were prefetched with it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { slowFault } from '../support/fault-options.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { ProcessJob, type QueueArguments } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

const servers = { broker: amqpUrl as string, store: mongoUrl as string };
const INNOCENTS = 500;
const PREFETCH = 200;
/** The retry policy of the aborting task. */
const ATTEMPTS = 2;
/** Deaths after which a message runs among the suspects. */
const SUSPECT_DEATHS = 3;

/** Innocents with one message that aborts the process at a random place among the first that are prefetched. */
async function sendWithAborting(t: TestContext, queueArguments: QueueArguments): Promise<[ProcessJob, string]> {
  const job = await ProcessJob.open(t, servers, queueArguments);
  const at = faultRandom(t).integer(1, PREFETCH);
  await job.sendNumbered('witness', at);
  const [aborting] = await job.sendNumbered('aborting', 1);
  await job.sendNumbered('witness', INNOCENTS - at);
  return [job, aborting as string];
}

for (const [name, queueArguments] of [
  ['a queue', {}],
  ['a queue with a delivery limit of 20', { 'x-delivery-limit': 20 }],
] as const) {
  test(
    `a native abort of the process on ${name}: the suspects queue finds the message, its neighbours are stored`,
    needs(amqpUrl, mongoUrl),
    async (t) => {
      const [job, aborting] = await sendWithAborting(t, queueArguments);
      const ends: unknown[] = [];
      await job.supervise({ prefetch: PREFETCH }, ({ signal }) => ends.push(signal));
      await job.untilEnded();
      const { deadLettered, stored } = await job.close();
      assert.deepEqual(new Set(ends), new Set(['SIGABRT']), 'the fault happened');
      assert.ok(ends.length <= SUSPECT_DEATHS + ATTEMPTS, `${ends.length} processes died of it`);
      assert.deepEqual(deadLettered, [aborting]);
      assert.equal(stored.length, INNOCENTS);
      const [letter] = await job.deadLetters();
      const headers = letter?.properties.headers ?? {};
      const got = [headers['x-error-code'], headers['x-outcome'], headers['x-attempt'], headers['x-queue']];
      assert.deepEqual(got, ['E_TASK_CRASHED', 'crashed', ATTEMPTS, job.queue]);
    },
  );
}

test(
  'a crash loop that reaches the delivery limit: what the broker gives up is in the dead letters, the rest is stored',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    // Below the deaths that make a suspect: the broker is first.
    const [job] = await sendWithAborting(t, { 'x-delivery-limit': SUSPECT_DEATHS - 1 });
    let deaths = 0;
    await job.supervise({ prefetch: PREFETCH }, () => deaths++);
    await job.untilEnded();
    // What was stored just before a death has lost its ack, and is given up by the broker all the same.
    const { deadLettered, stored } = await job.close({ mayOverlap: true });
    assert.ok(deaths >= SUSPECT_DEATHS, `${deaths} processes died`);
    assert.equal(new Set([...stored, ...deadLettered]).size, INNOCENTS + 1);
    const reasons = (await job.deadLetters()).map(({ properties }) => properties.headers?.['x-first-death-reason']);
    assert.ok(reasons.includes('delivery_limit'), 'the limit was reached');
  },
);

test(
  'a worker that is killed 25 times as soon as it works, on a queue with a delivery limit of 20: nothing is lost',
  slowFault(needs(amqpUrl, mongoUrl)),
  async (t) => {
    const random = faultRandom(t);
    const job = await ProcessJob.open(t, servers, { 'x-delivery-limit': 20 });
    const ms = (): number => random.integer(0, 40);
    await job.send(
      'slow-witness',
      Array.from({ length: INNOCENTS }, (_, n) => ({ n, ms: ms() })),
    );
    for (let kills = 0; kills < 25; kills++) {
      const worker = await job.worker({ prefetch: PREFETCH });
      await worker.until('it has received something, or nothing is left', (stats) => stats !== undefined);
      await new Promise((resolve) => setTimeout(resolve, random.integer(0, 150))); // the kill's random point
      await worker.kill();
    }
    await job.worker({ prefetch: PREFETCH });
    await job.untilEnded();
    await job.close({ mayOverlap: true }); // a kill between a dead letter's confirm and its ack sends it twice
  },
);
