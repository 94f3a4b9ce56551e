/** Two workers with the same messages: the broker has given one of them up, and it does not know. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slowFault } from '../support/fault-options.ts';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const MESSAGES = 40;

for (const [task, effects, options] of [
  ['slow-witness', 'a document', slowFault(needs(amqpUrl, mongoUrl))],
  ['slow-count', 'a counter', slowFault(needs(amqpUrl, mongoUrl))],
  ['slow-pair', 'a document and a counter', needs(amqpUrl, mongoUrl)],
] as const) {
  test(`two workers run the same messages, each stores ${effects}, and it is there once`, options, async (t) => {
    const broker = amqpUrl as string;
    const job = await ProcessJob.open(t, { broker, store: mongoUrl as string });
    const proxy = await TcpProxy.start(new URL(broker).host);
    t.after(() => proxy.stop());
    await job.send(
      task,
      Array.from({ length: MESSAGES }, (_, n) => ({ n, ms: 5_000, counter: `c${n % 4}` })),
    );
    const cutOff = await job.worker({ broker: `${proxy.through(broker)}?heartbeat=1` });
    await cutOff.until('it runs all of them', () => begun(cutOff.errors) === MESSAGES);
    proxy.blackHole();
    // The broker gives the silent connection up and delivers again.
    const other = await job.worker();
    await other.until('it runs all of them too', () => begun(other.errors) === MESSAGES);
    await other.until('they are redeliveries', (stats) => (stats?.redelivered ?? 0) >= MESSAGES);
    await cutOff.until('it has stored them', (stats) => (stats?.succeeded ?? 0) >= MESSAGES);
    await proxy.resume();
    await other.until('it has stored them', (stats) => (stats?.succeeded ?? 0) >= MESSAGES);
    await cutOff.until('it is back', (stats) => stats?.broker === 'connected');

    const counters = await job.db.collection('counters').find().toArray();
    const by = counters.flatMap((counter) => counter['by'] as string[]);
    if (task !== 'slow-witness') {
      assert.deepEqual(by.sort(), [...job.confirmed].sort(), 'each message has counted, and once');
      assert.equal(
        counters.reduce((sum, counter) => sum + Number(counter['n']), 0),
        MESSAGES,
      );
    }
    await job.close(task === 'slow-count' ? { done: by } : {});
  });
}

function begun(log: string): number {
  return log.match(/"begun"/g)?.length ?? 0;
}
