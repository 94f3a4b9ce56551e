/** A queue in which every hundredth message kills its thread. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { slowFault } from '../support/fault-options.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { ProcessJob, type QueueArguments } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

const MESSAGES = 10_000;
const KILLERS = 100;
/** The retry policy of the killing tasks. */
const ATTEMPTS = 2;

/** What each kind must end with: code, outcome and a part of the reason. */
const ENDS: Readonly<Record<string, readonly [code: string, outcome: string, reason: RegExp]>> = {
  looping: ['E_TASK_TIMEOUT', 'timed-out', /timeout|300/],
  'filling-heap': ['E_TASK_CRASHED', 'crashed', /heap|memory/i],
  exiting: ['E_TASK_CRASHED', 'crashed', /exit/],
};
const KINDS = Object.keys(ENDS);

/** Sends good messages with the killers at random places; resolves with the kind of each killer, by id. */
async function sendMixed(t: TestContext, job: ProcessJob): Promise<Map<string, string>> {
  const killers = new Map<string, string>();
  let sent = 0;
  for (const [nth, mark] of faultRandom(t).marks(KILLERS, 0, MESSAGES).entries()) {
    const kind = KINDS[nth % KINDS.length] as string;
    if (mark > sent) await job.sendNumbered('witness', mark - sent);
    for (const id of await job.sendNumbered(kind, 1)) killers.set(id, kind);
    sent = mark + 1;
  }
  if (MESSAGES > sent) await job.sendNumbered('witness', MESSAGES - sent);
  return killers;
}

async function survive(t: TestContext, queueArguments: QueueArguments): Promise<void> {
  const servers = { broker: amqpUrl as string, store: mongoUrl as string };
  const job = await ProcessJob.open(t, servers, queueArguments);
  const killers = await sendMixed(t, job);
  assert.deepEqual([job.confirmed.length, killers.size], [MESSAGES, KILLERS]);
  const worker = await job.worker({ threads: 2, threadLimits: { heap: '64MiB' } });
  await job.untilEnded();
  const { exits = 0, redelivered } = worker.stats ?? {};
  t.diagnostic(`${exits} threads ended, ${redelivered} messages were delivered again`);
  assert.ok(exits >= KILLERS * ATTEMPTS, `each attempt of a killer ended a thread, ${exits} did`);
  assert.equal(worker.ended, undefined, 'the process has never ended');

  const deliveries = job.db.collection('stored').find({ deliveries: { $gt: 3 } });
  assert.deepEqual(await deliveries.toArray(), [], 'no innocent was delivered more than three times');
  const charged = await job.db.collection('stored').countDocuments({ attempt: { $ne: 1 } });
  assert.equal(charged, 0, 'no innocent was charged with an attempt');

  const { deadLettered, stored } = await job.close();
  assert.deepEqual(new Set(deadLettered), new Set(killers.keys()), 'exactly the killers are dead-lettered');
  assert.equal(deadLettered.length, KILLERS, 'each of them once');
  assert.equal(stored.length, MESSAGES - KILLERS);
  for (const { properties } of await job.deadLetters()) {
    const headers = properties.headers ?? {};
    const kind = killers.get(String(properties.messageId)) as string;
    const [code, outcome, reason] = ENDS[kind] as (typeof ENDS)[string];
    const got = [headers['x-error-code'], headers['x-outcome'], headers['x-attempt']];
    assert.deepEqual(got, [code, outcome, ATTEMPTS], `${kind}: ${String(headers['x-error-message'])}`);
    assert.match(String(headers['x-error-message']), reason, kind);
  }
}

test(
  'of 10,000 messages the 100 that kill their thread are dead-lettered with their reason, all others are stored',
  slowFault(needs(amqpUrl, mongoUrl)),
  (t) => survive(t, {}),
);

test(
  'of 10,000 messages on a queue with a delivery limit of 20 only the 100 that kill their thread are dead-lettered',
  slowFault(needs(amqpUrl, mongoUrl)),
  (t) => survive(t, { 'x-delivery-limit': 20 }),
);
