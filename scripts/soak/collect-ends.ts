import { type Document, MongoClient } from 'mongodb';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { deadQueueName } from '../../src/broker/topology.ts';
import { takeMessages } from '../../src/runtime/take-messages.ts';
import { MARKS_COLLECTION } from '../../src/store/mongo/applied-marks.ts';
import type { CounterEnd, SoakEnds } from './soak-ledger.ts';
import { lookUntil, manage, QUEUE, type SoakRig, SPARE_QUEUE } from './soak-rig.ts';

const DEAD_QUEUES = [QUEUE, SPARE_QUEUE].map(deadQueueName);
/** Nothing has ended for so long: what is left is counted as queued. RabbitMQ takes three minutes to try a dead-lettering again that it could not finish. */
const STUCK_MS = 240_000;
const LONGEST_DRAIN_MS = 20 * 60_000;
/** Empty counts when it stays so for two rounds of the broker's statistics, 5 s each: a message may be between two queues. */
const EMPTY_MS = 11_000;
const PROGRESS_MS = 5_000;

interface QueueLength {
  readonly name: string;
  readonly messages?: number;
}

/**
 * Waits until all queues but those of dead letters are empty and no worker holds anything; false where nothing ends any
 * more before that.
 */
export async function untilDrained(rig: SoakRig, say: (line: string) => void): Promise<boolean> {
  let emptySince = Infinity;
  let saidAt = 0;
  let most = 0;
  let mostAt = performance.now();
  const over = async (): Promise<boolean> => {
    const now = performance.now();
    const left = await leftInQueues(rig);
    const { held, totals } = rig.crew;
    if (now - saidAt > PROGRESS_MS) {
      saidAt = now;
      say(`draining: ${left} in queues, ${held} held, ${totals.succeeded} succeeded, ${totals.waited} waited`);
    }
    const ended = totals.succeeded + totals.deadLettered;
    if (ended > most) [most, mostAt] = [ended, now];
    emptySince = left + held > 0 ? Infinity : Math.min(emptySince, now);
    return now - emptySince >= EMPTY_MS || now - mostAt >= STUCK_MS;
  };
  await lookUntil('everything has ended', over, LONGEST_DRAIN_MS).catch(() => undefined); // counted as queued
  return emptySince !== Infinity;
}

async function leftInQueues(rig: SoakRig): Promise<number> {
  const queues = await manage<QueueLength[]>(rig, 'queues?columns=name,messages');
  return queues.filter(({ name }) => !DEAD_QUEUES.includes(name)).reduce((sum, { messages = 0 }) => sum + messages, 0);
}

/** Reads all places, directly. The workers must be gone. */
export async function collectEnds(rig: SoakRig, database: string): Promise<SoakEnds> {
  const mongo = new MongoClient(rig.mongo.url);
  const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [rig.rabbit.amqpUrl] });
  await broker.start();
  try {
    const read = <T>(collection: string, one: (document: Document) => T): Promise<T[]> =>
      mongo.db(database).collection(collection).find().map(one).toArray();
    const counter = ({ _id, n, by }: Document): CounterEnd => {
      return { key: Number(_id), n: Number(n), ...(Array.isArray(by) ? { by: by.map(String) } : {}) };
    };
    const documents = await read('documents', ({ _id, n, lateMs }) => {
      return { id: String(_id), n: Number(n), lateMs: Number(lateMs ?? 0) };
    });
    const names = (await manage<QueueLength[]>(rig, 'queues?columns=name')).map(({ name }) => name);
    const deadLetters: { id: string; code: string }[] = [];
    const queued: string[] = [];
    for (const name of names) {
      for (const { properties } of await takeMessages(broker, name)) {
        const id = properties.messageId ?? 'without an id';
        if (DEAD_QUEUES.includes(name)) deadLetters.push({ id, code: reasonOf(properties.headers) });
        else queued.push(id);
      }
    }
    return {
      documents,
      marks: await read(MARKS_COLLECTION, ({ _id }) => withoutTask(String(_id))),
      counters: await read('counters', counter),
      pairCounters: await read('pairCounters', counter),
      deadLetters,
      queued,
    };
  } finally {
    await broker.stop();
    await mongo.close();
  }
}

/** A mark is `<task name>:<task id>`. */
function withoutTask(mark: string): string {
  return mark.slice(mark.indexOf(':') + 1);
}

/** Our code; else the broker's reason, for what it has dead-lettered itself. */
function reasonOf(headers: Readonly<Record<string, unknown>> | undefined): string {
  const [first] = (headers?.['x-death'] ?? []) as readonly { readonly reason?: string }[];
  return (headers?.['x-error-code'] as string | undefined) ?? first?.reason ?? 'no reason';
}
