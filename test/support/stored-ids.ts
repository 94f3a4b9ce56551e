import assert from 'node:assert/strict';
import { MongoClient } from 'mongodb';
import { deadQueueName, suspectsQueueName } from '../../src/broker/topology.ts';
import { queuedIds } from './queued-ids.ts';

/** The ids of a collection's documents. */
export async function storedIds(url: string, collection: string): Promise<string[]> {
  const client = new MongoClient(url);
  try {
    const documents = client
      .db()
      .collection(collection)
      .find({}, { projection: { _id: 1 } });
    return await documents.map((document) => String(document._id)).toArray();
  } finally {
    await client.close();
  }
}

export interface Ledger {
  readonly confirmed: readonly string[];
  readonly stored: readonly string[];
  readonly deadLettered: readonly string[];
  readonly queued: number;
}

/** Confirmed = stored + dead-lettered, as id sets; nothing is queued, and nothing is stored twice. */
export function assertLedger({ confirmed, stored, deadLettered, queued }: Ledger): void {
  const ends = new Set([...stored, ...deadLettered]);
  const lost = confirmed.filter((id) => !ends.has(id));
  const expected = new Set(confirmed);
  const strangers = [...ends].filter((id) => !expected.has(id));
  const text = `${lost.length} of ${confirmed.length} confirmed messages are lost, or among the ${queued} queued ones`;
  assert.deepEqual(lost.slice(0, 5), [], text);
  assert.deepEqual(strangers.slice(0, 5), [], `${strangers.length} stored that nobody sent`);
  assert.equal(new Set(stored).size, stored.length, 'a document is stored twice');
  assert.equal(stored.length + deadLettered.length, confirmed.length, 'a message is stored and dead-lettered');
  assert.equal(queued, 0, 'the queue is not empty');
}

/** Where the messages of a test can have ended. */
export interface LedgerPlaces {
  /** Ids that the broker has confirmed: each must be found somewhere. */
  readonly confirmed: readonly string[];
  /** Ids that were published and not confirmed: each may be found or not. */
  readonly unconfirmed?: readonly string[];
  /** AMQP URL of the virtual host; not through a proxy. */
  readonly broker: string;
  /** Each stands for itself, its `.suspects` and its `.dead`. */
  readonly queues: readonly string[];
  /** Further queues in which messages wait, such as delay levels. */
  readonly waiting?: readonly string[];
  /** Database and collections whose `_id` is the task's id; none: nothing is stored. */
  readonly store?: string;
  /** Default: `stored`. */
  readonly collections?: readonly string[];
  /** Ids that a test's own means found done, for tasks without effects. */
  readonly done?: readonly string[];
  /**
   * True where the fault may leave one message in two places, such as stored and still queued after a lost ack.
   * The overlaps are returned either way.
   */
  readonly mayOverlap?: boolean;
}

export interface ClosedLedger {
  /** Stored or done. */
  readonly stored: readonly string[];
  /** As often as they are there. */
  readonly deadLettered: readonly string[];
  /** In the queues, their suspects and what waits; as often as they are there. */
  readonly queued: readonly string[];
  /** In more than one place, or twice in one. */
  readonly overlaps: readonly string[];
  /** One line for the test's diagnostics. */
  readonly summary: string;
}

/**
 * Reads every place and asserts, over sets of ids: confirmed = stored ∪ dead-lettered ∪ queued, none lost, no stranger,
 * no document twice, and nothing in two places unless the test says that its fault may leave that.
 * The queues must have no consumer any more.
 */
export async function closeLedger(places: LedgerPlaces): Promise<ClosedLedger> {
  const { confirmed, unconfirmed = [], broker, queues, waiting = [], done = [], mayOverlap = false } = places;
  const stored = [...done];
  for (const collection of places.collections ?? ['stored'])
    if (places.store !== undefined) for (const id of await storedIds(places.store, collection)) stored.push(id);
  const deadLettered = await idsOf(broker, queues.map(deadQueueName));
  const queued = await idsOf(broker, [...queues, ...queues.map(suspectsQueueName), ...waiting]);

  const ends = new Set([...stored, ...deadLettered, ...queued]);
  const sent = new Set([...confirmed, ...unconfirmed]);
  const lost = confirmed.filter((id) => !ends.has(id));
  const strangers = [...ends].filter((id) => !sent.has(id));
  const overlaps = repeated([...stored, ...deadLettered, ...queued]);
  const summary =
    `${confirmed.length} confirmed (${unconfirmed.length} not): ${stored.length} stored, ` +
    `${deadLettered.length} dead-lettered, ${queued.length} queued, ${overlaps.length} in two places, ${lost.length} lost`;
  assert.equal(new Set(confirmed).size, confirmed.length, `an id was given twice: ${summary}`);
  assert.deepEqual(lost.slice(0, 5), [], `confirmed messages are lost: ${summary}`);
  assert.deepEqual(strangers.slice(0, 5), [], `${strangers.length} are there that nobody sent: ${summary}`);
  assert.deepEqual(repeated(stored).slice(0, 5), [], `an effect was applied twice: ${summary}`);
  if (!mayOverlap) assert.deepEqual(overlaps.slice(0, 5), [], `messages are in two places: ${summary}`);
  return { stored, deadLettered, queued, overlaps, summary };
}

async function idsOf(broker: string, queues: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const queue of queues) for (const id of await queuedIds(broker, queue)) ids.push(id); // too many for arguments
  return ids;
}

/** What is in the list more than once, each named once. */
function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) twice.add(id);
    seen.add(id);
  }
  return [...twice];
}
