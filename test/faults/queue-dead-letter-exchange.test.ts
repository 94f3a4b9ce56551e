/** What the broker itself has to dead-letter while the exchange for that is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchManagement } from '../../scripts/services/rabbitmq-probe.ts';
import { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { DEAD_LETTER_EXCHANGE, deadQueueName } from '../../src/broker/topology.ts';
import { FaultJob } from '../support/fault-job.ts';
import { slowFault } from '../support/fault-options.ts';
import { mongoUrl, needs, needsOwn } from '../support/servers.ts';

test(
  'a message expires while the dead-letter exchange is deleted: the quorum queue keeps it until a worker declares it again',
  slowFault(needs(mongoUrl), needsOwn('rabbitmq')),
  async (t) => {
    const rabbit = await RabbitServer.start();
    t.after(() => rabbit.remove());
    // Three minutes otherwise: how long RabbitMQ waits before it tries to dead-letter again.
    await rabbit.setVariable('dead_letter_worker_publisher_confirm_timeout', 1000);
    const job = await FaultJob.start(t, { broker: rabbit.amqpUrl });
    await job.stopWorker();
    const path = `exchanges/%2F/${DEAD_LETTER_EXCHANGE}`;
    const deleted = await fetchManagement(rabbit.managementUrl, rabbit.amqpUrl, path, { method: 'DELETE' });
    assert.equal(deleted.status, 204);
    const expired = await job.sendRaw({ messageId: 'expired', type: 'store', expiration: '1' });
    await job.untilReady(job.queue, 0); // expired, and kept by the queue because there is nowhere to go
    await job.untilReady(deadQueueName(job.queue), 0);
    await job.startWorker();
    await job.untilReady(deadQueueName(job.queue), 1);
    const { deadLettered, stored } = await job.finish();
    assert.deepEqual(deadLettered, [expired]);
    assert.deepEqual(stored, []);
  },
);
