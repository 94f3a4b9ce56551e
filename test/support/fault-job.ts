import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import type { MessageProperties } from '../../src/batch/message-properties.ts';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { suspectsQueueName } from '../../src/broker/topology.ts';
import {
  type Client,
  createClient,
  isRuntimeError,
  type Runtime,
  type RuntimeOptions,
  type RuntimeStats,
  type RuntimeStatus,
  startRuntime,
} from '../../src/index.ts';
import { delayedCount } from './delayed-count.ts';
import { dropAndClose } from './drop-database.ts';
import { FaultSender } from './fault-sender.ts';
import { mongoUrl } from './servers.ts';
import { type ClosedLedger, closeLedger, type LedgerPlaces } from './stored-ids.ts';

/** What was logged, with its level. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface FaultJobOptions {
  /** Reached directly: for the ledger, and for the client and the worker unless they are told otherwise. */
  readonly broker: string;
  readonly clientBroker?: RuntimeOptions['broker'];
  readonly workerBroker?: RuntimeOptions['broker'];
  /** Further options of the worker. */
  readonly runtime?: Partial<RuntimeOptions>;
}

/** The file that lets `hold` tasks end (test/fixtures/faults/tasks.ts). */
const OPEN = 'open';
/** The runtime's state is announced to nobody: it is asked for this often. */
const LOOK_MS = 10;
const LONGEST_WAIT_MS = 60_000;

/**
 * A sender, a worker in this process, and a database of their own: what a fault of the broker happens to. `finish` closes
 * the ledger. Everything is taken away at the test's end, also when it fails.
 */
export class FaultJob {
  readonly queue = 'work';
  readonly log: LogLine[] = [];
  readonly sender: FaultSender;
  readonly client: Client;
  /** Payload for `hold` tasks, which run until `openGate`: a folder in which they leave a file each. */
  readonly gate: string = mkdtempSync(join(tmpdir(), 'millrace-gate-'));
  readonly #t: TestContext;
  readonly #options: FaultJobOptions;
  readonly #store: string;
  #runtime: Runtime | undefined;

  private constructor(t: TestContext, options: FaultJobOptions, client: Client) {
    this.#t = t;
    this.#options = options;
    this.client = client;
    this.sender = new FaultSender(client, this.queue);
    const store = new URL(mongoUrl as string);
    store.pathname = `/millrace_fault_${randomUUID().slice(0, 8)}`;
    this.#store = store.href;
  }

  /** The client is connected; the worker is started by `startWorker`. */
  static async open(t: TestContext, options: FaultJobOptions): Promise<FaultJob> {
    const client = await createClient({ broker: options.clientBroker ?? options.broker, closeGrace: 0 });
    const job = new FaultJob(t, options, client);
    t.after(() => job.#remove());
    return job;
  }

  /** The client is connected and the worker consumes. */
  static async start(t: TestContext, options: FaultJobOptions): Promise<FaultJob> {
    const job = await FaultJob.open(t, options);
    await job.startWorker();
    return job;
  }

  async startWorker(): Promise<void> {
    const { broker, workerBroker = broker, runtime } = this.#options;
    const write =
      (level: LogLine['level']) =>
      (fields: object, message: string): void =>
        void this.log.push({ level, message, fields: fields as LogLine['fields'] });
    this.#runtime = await startRuntime({
      tasks: new URL('../fixtures/faults/tasks.ts', import.meta.url),
      broker: workerBroker,
      store: this.#store,
      queues: [this.queue],
      threads: 1,
      log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
      ...runtime,
    });
  }

  /** Drains; `startWorker` starts another one. */
  async stopWorker(): Promise<void> {
    await this.#running().stop();
  }

  /** Publishes a message as somebody else would; resolves with its id when the broker has confirmed it. */
  async sendRaw(properties: MessageProperties & { readonly messageId: string }): Promise<string> {
    const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [this.#options.broker] });
    await broker.start();
    try {
      const publisher = await broker.publisher({ window: 1 });
      const whole: MessageProperties = { contentType: 'application/json', deliveryMode: 2, ...properties };
      await publisher.publish({ exchange: '', routingKey: this.queue, properties: whole, body: Buffer.from('{}') });
      this.sender.confirmed.push(properties.messageId);
      return properties.messageId;
    } finally {
      await broker.stop();
    }
  }

  get stats(): RuntimeStats {
    return this.#running().stats();
  }

  get status(): RuntimeStatus {
    return this.#running().status();
  }

  /** Lets all `hold` tasks end. */
  openGate(): void {
    writeFileSync(join(this.gate, OPEN), '');
  }

  /** Resolves when so many `hold` tasks have begun, however they may end. */
  async untilHolding(count: number): Promise<void> {
    await this.until(`${count} tasks are held`, () => readdirSync(this.gate).length >= count);
  }

  /** Resolves as soon as the condition holds; rejects with what was seen last, and the log's warnings. */
  async until(what: string, condition: (stats: RuntimeStats, status: RuntimeStatus) => boolean): Promise<void> {
    await lookUntil(
      () => condition(this.stats, this.status),
      () => {
        const sent = { confirmed: this.sender.confirmed.length, again: [...this.sender.again] };
        const seen = JSON.stringify({ ...this.stats, ...this.status, sent, warnings: this.warnings.slice(-10) });
        return `still waiting until ${what}: ${seen}`;
      },
    );
  }

  /** Lines of the log at warn and above, in order. */
  get warnings(): readonly string[] {
    return this.log
      .filter(({ level }) => level === 'warn' || level === 'error')
      .map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`);
  }

  /** Resolves when the log has a line like this at warn or above; rejects as `until` does. */
  async warned(pattern: RegExp): Promise<void> {
    await this.until(`the log says ${pattern}`, () => this.warnings.some((line) => pattern.test(line)));
  }

  /** What the `count` tasks have counted. */
  async counted(): Promise<number> {
    const mongo = new MongoClient(this.#store);
    try {
      const counters = mongo.db().collection<{ _id: string; n: number }>('counters');
      return (await counters.findOne({ _id: 'calls' }))?.n ?? 0;
    } finally {
      await mongo.close();
    }
  }

  /** Resolves when the sender has been refused so often with this code. */
  async refused(code: string, times: number): Promise<void> {
    await lookUntil(
      () => (this.sender.again.get(code) ?? 0) >= times,
      () => `the sender was refused with ${JSON.stringify([...this.sender.again])}`,
    );
  }

  /** Waits until the queue is empty and nothing is held, drains the worker, and closes the ledger. */
  async finish(places: Partial<LedgerPlaces> = {}): Promise<ClosedLedger> {
    const { waiting = [] } = places;
    await this.#drained([this.queue, suspectsQueueName(this.queue), ...waiting]);
    await this.#running().stop();
    assert.equal(this.status.state, 'stopped');
    await this.client.close();
    const ledger = await closeLedger({
      confirmed: this.sender.confirmed,
      broker: this.#options.broker,
      queues: [this.queue],
      store: this.#store,
      ...places,
    });
    this.#t.diagnostic(ledger.summary);
    return ledger;
  }

  /** Resolves when a queue has exactly so many messages ready, asked over a connection of the test's own. */
  async untilReady(queue: string, count: number): Promise<void> {
    await this.#ask(async (admin) => {
      const ready = await countReady(admin, queue);
      return ready === count ? undefined : `${ready} are ready in '${queue}', expected ${count}`;
    });
  }

  async #drained(queues: readonly string[]): Promise<void> {
    // Seen empty twice with time between: a message may be on its way from the queue to the worker.
    let empty = 0;
    await this.#ask(async (admin) => {
      let ready = await delayedCount(admin);
      for (const queue of queues) ready += await countReady(admin, queue);
      empty = ready === 0 && this.stats.messagesHeld === 0 ? empty + 1 : 0;
      return empty === 2 ? undefined : `${ready} are ready and ${this.stats.messagesHeld} held`;
    });
  }

  /** The broker announces no counts: it is asked until there is nothing left to wait for. */
  async #ask(look: (admin: AmqpBroker) => Promise<string | undefined>): Promise<void> {
    const admin = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [this.#options.broker] });
    await admin.start();
    try {
      const deadline = performance.now() + LONGEST_WAIT_MS;
      for (;;) {
        const missing = await look(admin);
        if (missing === undefined) return;
        if (performance.now() > deadline) throw new Error(`${missing}: ${this.warnings.slice(-10).join('; ')}`);
        await wait(5 * LOOK_MS);
      }
    } finally {
      await admin.stop();
    }
  }

  #running(): Runtime {
    if (this.#runtime === undefined) throw new TypeError('the worker was not started');
    return this.#runtime;
  }

  async #remove(): Promise<void> {
    await this.#runtime?.kill();
    await this.client.close();
    rmSync(this.gate, { recursive: true });
    await dropAndClose(new MongoClient(this.#store).db());
  }
}

async function lookUntil(condition: () => boolean, describe: () => string): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`after ${LONGEST_WAIT_MS} ms ${describe()}`);
    await wait(LOOK_MS);
  }
}

/** A queue that is not there has nothing ready. */
async function countReady(admin: AmqpBroker, queue: string): Promise<number> {
  try {
    return await admin.readyCount(queue);
  } catch (error) {
    if (isRuntimeError(error, 'E_BROKER_QUEUE_MISSING')) return 0;
    throw error;
  }
}
