import assert from 'node:assert/strict';
import { MongoClient } from 'mongodb';

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
  assert.deepEqual(lost.slice(0, 5), [], `${lost.length} of ${confirmed.length} confirmed messages are lost`);
  assert.deepEqual(strangers.slice(0, 5), [], `${strangers.length} stored that nobody sent`);
  assert.equal(new Set(stored).size, stored.length, 'a document is stored twice');
  assert.equal(stored.length + deadLettered.length, confirmed.length, 'a message is stored and dead-lettered');
  assert.equal(queued, 0, 'the queue is not empty');
}
