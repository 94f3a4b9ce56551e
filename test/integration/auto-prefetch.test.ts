/** The prefetch that follows the measured work, on a real broker: no message is lost, given back or run twice by it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, type RuntimeStats, startRuntime } from '../../src/index.ts';
import { amqpUrl, managementUrl, needs } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const TASKS = new URL('../fixtures/tasks/timed.ts', import.meta.url);

type Queue = RuntimeStats['sizes']['queues'][number];

test('with long tasks the prefetch is two seconds of work', { ...needs(amqpUrl, managementUrl) }, async () => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const options = { tasks: TASKS, broker: host.url, threads: 1, log: { level: 'silent' } } as const;
  await using runtime = await startRuntime(options);
  await using client = await createClient({ broker: host.url });
  await client.sendMany('busy', new Array<number>(60).fill(40));
  await until('all have run', () => runtime.stats().acked === 60, 30_000);
  const { prefetch } = runtime.stats().sizes.queues[0] as Queue;
  assert.ok(prefetch.value <= 60, `${prefetch.value}: ${prefetch.why}`);
});

for (const queueType of ['quorum', 'classic'] as const) {
  test(`on a ${queueType} queue the prefetch grows with short tasks, and nothing comes twice`, {
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
    assert.match(queue().prefetch.why, /^more brings little at .* a task$/);
    await send(3000, 0);
    const sent = 6000;
    await until('all have run', () => runtime.stats().acked === sent, 30_000);

    const { received, redelivered, succeeded, stale, handlerCalls } = runtime.stats();
    assert.deepEqual(
      { received, redelivered, succeeded, stale, handlerCalls },
      { received: sent, redelivered: 0, succeeded: sent, stale: 0, handlerCalls: sent },
    );
  });
}
