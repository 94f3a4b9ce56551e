import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADER_TOTAL_BYTES } from '../../../src/batch/batch-layout.ts';
import { DONE, Ledger, RUNNING, WAITING } from '../../../src/batch/ledger.ts';
import { packOutcomes } from '../../../src/batch/outcome-packer.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import { deadQueueName, queueTopology } from '../../../src/broker/topology.ts';
import { createPipeline } from '../../../src/delivery/pipeline.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import type { BatchRequest } from '../../../src/executor/executor.ts';
import { SILENT_LOGGER } from '../../../src/telemetry/logger.ts';
import { deliveryOptions, queueOptions } from '../../support/delivery-options.ts';
import { ScriptedExecutor } from '../../support/scripted-executor.ts';
import { until } from '../../support/until.ts';

const POISON = 'poison';
const QUEUE = 'work';

/**
 * One thread with async tasks: all of its runs go on at once, and the poison ends the thread before any of the others
 * is done.
 */
class AsyncThread extends ScriptedExecutor {
  deaths = 0;
  #running: { end(): void; die(): void; poisonous: boolean }[] = [];

  constructor() {
    super(1, () => 'succeed');
  }

  override async run(request: BatchRequest): Promise<ArrayBuffer> {
    const buffer = structuredClone(request.buffer, { transfer: [request.buffer] });
    const ledger = new Ledger(request.ledger);
    ledger.threadId = 1 + this.deaths;
    // target 1: one message a batch
    assert.ok(ledger.move(0, WAITING, RUNNING));
    const answer = new Promise<ArrayBuffer>((resolve, reject) => {
      this.#running.push({
        end: () => {
          ledger.move(0, RUNNING, DONE);
          resolve(packOutcomes({ count: 1, others: [], busyMs: 1, withoutId: 0, handlerCalls: 1 }, buffer));
        },
        die: () => reject(new RuntimeError('E_THREAD_DIED', 'the script killed the thread')),
        // the rest of a buffer that is used again is what an earlier batch left there
        poisonous: Buffer.from(buffer, 0, new Uint32Array(buffer)[HEADER_TOTAL_BYTES / 4]).includes(POISON),
      });
    });
    if (this.#running.length === 1) setImmediate(() => this.#finish());
    return answer;
  }

  #finish(): void {
    const running = this.#running;
    this.#running = [];
    const dies = running.some(({ poisonous }) => poisonous);
    if (dies) this.deaths++;
    for (const run of running) {
      if (dies) run.die();
      else run.end();
    }
  }
}

test('a poisonous async task is dead-lettered though others always run beside it', async (t) => {
  const broker = new MemoryBroker();
  await broker.start();
  await broker.declare(queueTopology(QUEUE, 'quorum'));
  const publisher = await broker.publisher({ window: 100 });
  const executor = new AsyncThread();
  const parts = { broker, executor, publisher, store: undefined, logger: SILENT_LOGGER, fatal: () => {} };
  const batch = { target: 1, maxBytes: 1 << 18, maxAgeMs: 1 };
  const pipeline = createPipeline(parts, deliveryOptions([queueOptions(QUEUE, { prefetch: 10 })], { batch }));
  for (const body of ['a', POISON, 'b', 'c', 'd']) {
    await publisher.publish({ exchange: '', routingKey: QUEUE, properties: {}, body: Buffer.from(body) });
  }
  t.after(async () => {
    await pipeline.stop();
    await broker.stop();
  });
  await pipeline.start();
  await until('7 acks', () => pipeline.counters().acked === 7 || executor.deaths > 20);
  assert.equal(pipeline.counters().succeeded, 4);
  assert.equal(await broker.readyCount(deadQueueName(QUEUE)), 1);
  assert.ok(executor.deaths <= 6, `${executor.deaths} deaths: in each of three attempts one beside others, one alone`);
});
