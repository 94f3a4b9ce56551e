import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { deadQueueName } from '../../src/broker/topology.ts';
import { createClient } from '../../src/index.ts';
import { assertLedger, storedIds } from './stored-ids.ts';
import { WorkerProcess, type WorkerStats } from './worker-process.ts';

export interface JobServers {
  /** Where the test publishes and counts; never through a proxy. */
  readonly broker: string;
  /** With a database in its path. */
  readonly store: string;
  /** Where the worker connects, if through a proxy. */
  readonly workerBroker?: string;
  readonly workerStore?: string;
}

/** A job of `store` tasks, a worker that runs it, and the ledger at its end. */
export class RecoveryJob {
  readonly queue = `recovery-${randomUUID()}`;
  readonly messages: number;
  readonly #servers: JobServers;
  #confirmed: string[] = [];
  #worker: WorkerProcess | undefined;

  constructor(servers: JobServers, messages: number) {
    this.#servers = servers;
    this.messages = messages;
  }

  /** Publishes all messages with confirms, empties the collection, and starts the worker. */
  async start(): Promise<WorkerProcess> {
    const { broker, store, workerBroker, workerStore } = this.#servers;
    const mongo = new MongoClient(store);
    await mongo.db().collection('stored').deleteMany({});
    await mongo.close();
    await using client = await createClient({ broker });
    this.#confirmed = await client.sendMany(
      'store',
      Array.from({ length: this.messages }, (_, n) => ({ n })),
      { queue: this.queue },
    );
    this.#worker = await WorkerProcess.start({
      broker: workerBroker ?? broker,
      store: workerStore ?? store,
      queues: [this.queue],
      threads: 1,
    });
    return this.#worker;
  }

  /** Waits until the queue is empty and everything is acked, drains the worker, and closes the ledger. Returns its last counters. */
  async finish(): Promise<WorkerStats> {
    const worker = this.#worker as WorkerProcess;
    const admin = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [this.#servers.broker] });
    await admin.start();
    let ready = 1;
    while (ready > 0 || worker.stats?.messagesHeld !== 0) {
      ready = await admin.readyCount(this.queue);
      const before = worker.stats;
      await worker.until('another report', (stats) => stats !== before);
    }
    const last: WorkerStats = worker.stats;
    const ended = await worker.terminate();
    if (ended.code !== 0) throw new Error(`the worker ended with ${JSON.stringify(ended)}: ${worker.errors}`);
    const queued = (await admin.readyCount(this.queue)) + (await admin.readyCount(deadQueueName(this.queue)));
    await admin.stop();
    assertLedger({
      confirmed: this.#confirmed,
      stored: await storedIds(this.#servers.store, 'stored'),
      deadLettered: [],
      queued,
    });
    return last;
  }
}
