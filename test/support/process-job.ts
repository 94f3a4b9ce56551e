import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type Db, MongoClient } from 'mongodb';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { deadQueueName, type QueueSpec, queueTopology, suspectsQueueName } from '../../src/broker/topology.ts';
import { type Client, createClient } from '../../src/index.ts';
import { type TakenMessage, takeMessages } from '../../src/runtime/take-messages.ts';
import { delayedCount } from './delayed-count.ts';
import { dropAndClose } from './drop-database.ts';
import { type ClosedLedger, closeLedger, type LedgerPlaces } from './stored-ids.ts';
import { type ProcessEnd, type WorkerOptions, WorkerProcess, type WorkerSetting } from './worker-process.ts';

export interface JobServers {
  /** Reached directly: for sending, counting and the ledger. */
  readonly broker: string;
  /** A database of the job's own is made there. */
  readonly store: string;
}

/** What a queue of the job's own gets beside millrace's arguments. */
export type QueueArguments = QueueSpec['arguments'];

/** Foreign processes announce neither documents nor queue lengths: they are asked for this often. */
const LOOK_MS = 50;
const LONGEST_WAIT_MS = 120_000;
const LONGEST_RETURN_MS = 20_000;

/**
 * Messages, worker processes to kill, and the ledger: a queue and a database of their own. What is left is taken away at
 * the test's end, also when it fails.
 */
export class ProcessJob {
  readonly queue = `job-${randomUUID()}`;
  /** Ids that the broker has confirmed. */
  readonly confirmed: string[] = [];
  readonly broker: string;
  /** URL of the job's database. */
  readonly store: string;
  readonly client: Client;
  readonly #t: TestContext;
  readonly #admin: AmqpBroker;
  readonly #mongo: MongoClient;
  readonly #workers: WorkerProcess[] = [];
  /** Workers that are replaced when they die. */
  #supervised = false;

  private constructor(t: TestContext, servers: JobServers, store: string, client: Client) {
    this.#t = t;
    this.broker = servers.broker;
    this.store = store;
    this.client = client;
    this.#admin = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [servers.broker] });
    this.#mongo = new MongoClient(store);
  }

  /** @param queueArguments - for a queue that is declared before millrace sees it, e.g. with a delivery limit */
  static async open(t: TestContext, servers: JobServers, queueArguments?: QueueArguments): Promise<ProcessJob> {
    const store = new URL(servers.store);
    store.pathname = `${store.pathname === '/' ? '/millrace' : store.pathname}-${randomUUID().slice(0, 8)}`;
    const job = new ProcessJob(t, servers, store.href, await createClient({ broker: servers.broker }));
    t.after(() => job.#remove());
    await job.#admin.start();
    const topology = queueTopology(job.queue, 'quorum');
    const queues = topology.queues.map((spec) =>
      spec.name === job.queue ? { ...spec, arguments: { ...spec.arguments, ...queueArguments } } : spec,
    );
    await job.#admin.declare({ ...topology, queues });
    return job;
  }

  /** Sends a message for each payload; resolves when all are confirmed. */
  async send(task: string, payloads: Iterable<unknown>): Promise<string[]> {
    const ids = await this.client.sendMany(task, payloads, { queue: this.queue });
    for (const id of ids) this.confirmed.push(id); // too many for the arguments of one call
    return ids;
  }

  /** `count` payloads that are numbered. */
  sendNumbered(task: string, count: number): Promise<string[]> {
    return this.send(
      task,
      Array.from({ length: count }, (_, n) => ({ n })),
    );
  }

  /** Resolves when the worker consumes. */
  async worker(options: Partial<WorkerOptions> = {}, setting?: WorkerSetting): Promise<WorkerProcess> {
    const worker = await this.spawnWorker(options, setting);
    await worker.running();
    return worker;
  }

  /** One that may die before it consumes. */
  async spawnWorker(options: Partial<WorkerOptions> = {}, setting?: WorkerSetting): Promise<WorkerProcess> {
    const { broker, store, queue } = this;
    const worker = await WorkerProcess.spawn({ broker, store, queues: [queue], threads: 1, ...options }, setting);
    this.#workers.push(worker);
    return worker;
  }

  /**
   * Runs a worker and starts another whenever it has died, as a process supervisor does.
   * @param died - told how each of them ended
   */
  async supervise(
    options: Partial<WorkerOptions>,
    died: (end: ProcessEnd, worker: WorkerProcess) => void,
  ): Promise<void> {
    this.#supervised = true;
    const worker = await this.spawnWorker(options);
    void worker.exited.then(async (end) => {
      if (!this.#supervised) return;
      died(end, worker);
      await this.supervise(options, died);
    });
  }

  /** The job's database. */
  get db(): Db {
    return this.#mongo.db();
  }

  /** Documents of a collection. */
  count(collection = 'stored'): Promise<number> {
    return this.db.collection(collection).countDocuments();
  }

  ready(queue: string = this.queue): Promise<number> {
    return this.#admin.readyCount(queue);
  }

  /** Resolves when so many documents are there; rejects when a worker dies of itself meanwhile. */
  async untilStored(documents: number, collection = 'stored'): Promise<void> {
    await this.#until(`${documents} are stored`, async () => (await this.count(collection)) >= documents);
  }

  /** Resolves when exactly so many messages wait in the queue: the broker returns and counts them in its own time. */
  async untilReady(messages: number): Promise<void> {
    const deadline = performance.now() + LONGEST_RETURN_MS;
    for (;;) {
      const ready = await this.ready();
      if (ready === messages) return;
      if (performance.now() > deadline) throw new Error(`${ready} messages are in the queue, not ${messages}`);
      await wait(LOOK_MS);
    }
  }

  /** Resolves when every confirmed message is stored or dead-lettered, by number, and no queue holds one. */
  async untilEnded(collections: readonly string[] = ['stored']): Promise<void> {
    let seen = '';
    // Seen twice with time between: a delayed message may be on its way to the queue, or from there to a worker.
    let empty = 0;
    const ended = async (): Promise<boolean> => {
      let stored = 0;
      for (const name of collections) stored += await this.count(name);
      const [ready, suspects, dead] = await Promise.all(
        [this.queue, suspectsQueueName(this.queue), deadQueueName(this.queue)].map((name) => this.ready(name)),
      );
      const held = this.#alive().map(({ stats }) => stats?.messagesHeld);
      const delayed = await delayedCount(this.#admin);
      seen = JSON.stringify({ confirmed: this.confirmed.length, stored, ready, suspects, dead, delayed, held });
      const done = stored + (dead ?? 0) >= this.confirmed.length;
      const isEmpty = ready === 0 && suspects === 0 && delayed === 0 && held.every((count) => count === 0);
      empty = isEmpty ? empty + 1 : 0;
      return done && empty >= 2;
    };
    await this.#until('everything has ended', ended, () => seen);
  }

  /** Takes the dead letters out: after the ledger is closed, or they seem lost. */
  deadLetters(): Promise<readonly TakenMessage[]> {
    return takeMessages(this.#admin, deadQueueName(this.queue));
  }

  /** Ends the workers that live, which must drain, and closes the ledger. */
  async close(places: Partial<LedgerPlaces> = {}): Promise<ClosedLedger> {
    this.#supervised = false;
    for (const worker of this.#alive()) {
      const end = await worker.terminate();
      if (end.code !== 0) throw new Error(`the worker ended with ${JSON.stringify(end)}: ${worker.errors}`);
    }
    const { confirmed, broker, queue, store } = this;
    const ledger = await closeLedger({ confirmed, broker, queues: [queue], store, ...places });
    this.#t.diagnostic(ledger.summary);
    return ledger;
  }

  #alive(): WorkerProcess[] {
    return this.#workers.filter(({ ended }) => ended === undefined);
  }

  async #until(what: string, condition: () => Promise<boolean>, seen = (): string => ''): Promise<void> {
    const deadline = performance.now() + LONGEST_WAIT_MS;
    while (!(await condition())) {
      const last = this.#workers.at(-1);
      const died = this.#supervised ? undefined : last?.ended;
      const why = died ?? (performance.now() > deadline ? `not within ${LONGEST_WAIT_MS} ms` : undefined);
      if (why !== undefined) {
        const paused = last?.stats?.paused === undefined ? '' : `, paused: ${JSON.stringify(last.stats.paused)}`;
        throw new Error(`waited until ${what}: ${why} ${seen()}${paused}\n${last?.errors}`);
      }
      await wait(LOOK_MS);
    }
  }

  async #remove(): Promise<void> {
    this.#supervised = false;
    await Promise.all(this.#alive().map((worker) => worker.kill()));
    await this.client.close();
    await this.#admin.stop();
    await dropAndClose(this.db);
  }
}
