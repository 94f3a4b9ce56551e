/**
 * Broker and store in memory for one contender in its own process, where they must be: filled before it starts, watched
 * while it runs, looked through after it has stopped. All of it is the harness's, so that it is the same for everybody.
 */
import type { Broker, OutgoingMessage } from '../../src/broker/broker.ts';
import { millrace } from '../contenders/built-package.ts';
import type { ContenderJob, EmbeddedServers } from '../contenders/contender.ts';
import type { Meter } from './ack-watch.ts';
import { BrokerWatch } from './broker-watch.ts';
import { bodyAt, idAt, TASK_NAME } from './message-source.ts';
import { checkShape, type StoredSummary, StoredTally } from './stored-tally.ts';
import type { Left } from './verdict.ts';

/** What only the process itself can tell afterwards. */
export interface EmbeddedRemains {
  readonly left: Left;
  /** Where documents are written. */
  readonly stored: StoredSummary | undefined;
}

export interface EmbeddedRun {
  readonly servers: EmbeddedServers;
  readonly watch: BrokerWatch;
  /** Asked for once, after the contender has stopped. */
  remains(): Promise<EmbeddedRemains>;
}

/** Published before the confirms of one turn are awaited. */
const WINDOW = 4000;

/** The package is the contender's: its module is loaded before. */
export async function openEmbedded(job: ContenderJob, meter: Meter): Promise<EmbeddedRun> {
  const embedded = millrace.createEmbedded();
  const { store } = embedded;
  const [admin, broker] = [embedded.connect(), embedded.connect()];
  await admin.start();
  await admin.declare({
    exchanges: [],
    queues: [{ name: job.queue, arguments: { 'x-queue-type': job.queueType } }],
    bindings: [],
  });
  await fill(admin, job);
  const watch = new BrokerWatch({ queue: job.queue, messages: job.acks }, meter);
  watch.watch(broker);
  return {
    servers: { broker, store },
    watch,
    async remains() {
      const left = { queued: await admin.readyCount(job.queue), dead: await readyIfThere(admin, `${job.queue}.dead`) };
      await Promise.all([broker.stop(), admin.stop(), store.stop()]);
      return { left, stored: job.store && summarize(store, job, job.store.collection) };
    },
  };
}

function messageAt({ seed, queue }: ContenderJob, index: number): OutgoingMessage {
  return {
    exchange: '',
    routingKey: queue,
    properties: { contentType: 'application/json', deliveryMode: 2, messageId: idAt(seed, index), type: TASK_NAME },
    body: bodyAt(seed, index),
  };
}

async function fill(broker: Broker, job: ContenderJob): Promise<void> {
  const publisher = await broker.publisher({ window: WINDOW });
  let failure: Error | undefined;
  for (let index = 0; index < job.messages; index++) {
    publisher.submit(messageAt(job, index), (error) => {
      failure ??= error;
    });
    if ((index + 1) % WINDOW === 0) await publisher.drained();
  }
  await publisher.drained();
  await publisher.close();
  if (failure !== undefined) throw failure;
}

async function readyIfThere(broker: Broker, queue: string): Promise<number> {
  try {
    return await broker.readyCount(queue);
  } catch (error) {
    if (millrace.isRuntimeError(error, 'E_BROKER_QUEUE_MISSING')) return 0; // this contender declares none
    throw error;
  }
}

function summarize(store: EmbeddedServers['store'], job: ContenderJob, collection: string): StoredSummary {
  const tally = new StoredTally(job.seed, job.messages);
  for (const id of store.ids(collection)) tally.take(id);
  const document = store.find(collection, idAt(job.seed, 0));
  if (document !== undefined) checkShape(document);
  return tally.summary();
}
