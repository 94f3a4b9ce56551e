/** The prefetch that follows the measured work, on a real broker: no message is lost, given back or run twice by it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, type RuntimeStats, startRuntime } from '../../src/index.ts';
import { amqpUrl, managementUrl, needs } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const TASKS = new URL('../fixtures/tasks/timed.ts', import.meta.url);

type Queue = RuntimeStats['sizes']['queues'][number];

for (const queueType of ['quorum', 'classic'] as const) {
  test(`on a ${queueType} queue the prefetch grows with short tasks and shrinks with long ones, and nothing comes twice`, {
    ...needs(amqpUrl, managementUrl),
  }, async () => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    await using runtime = await startRuntime({
      tasks: TASKS,
      broker: host.url,
      queueType,
      threads: 1,
      log: { level: 'silent' },
    });
    await using client = await createClient({ broker: host.url });
    const queue = (): Queue => runtime.stats().sizes.queues[0] as Queue;
    const send = (count: number, ms: number): Promise<string[]> =>
      client.sendMany('busy', new Array<number>(count).fill(ms));
    assert.equal(queue().prefetch.value, 16);

    await send(3000, 0);
    await until('the prefetch has grown', () => queue().prefetch.value === 2000, 30_000);
    let sent = 3000;
    // by threes, so that a batch of the old size does not take them all: the mean is one of batches
    while (queue().prefetch.value === 2000 && sent < 3150) {
      await send(3, 50);
      sent += 3;
      await until('they have run', () => runtime.stats().acked === sent, 30_000);
    }
    assert.ok(queue().prefetch.value < 1000, `${queue().prefetch.value}`);
    assert.match(queue().prefetch.why, /^2 s of work at .* a task$/);
    await send(20, 0);
    sent += 20;
    await until('the last have run', () => runtime.stats().acked === sent, 30_000);

    const { received, redelivered, succeeded, stale, handlerCalls } = runtime.stats();
    assert.deepEqual(
      { received, redelivered, succeeded, stale, handlerCalls },
      { received: sent, redelivered: 0, succeeded: sent, stale: 0, handlerCalls: sent },
    );
  });
}
