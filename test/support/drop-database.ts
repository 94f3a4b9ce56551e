import type { Db } from 'mongodb';

/**
 * Takes a test's database away and closes its client, also where the server no longer drops anything: an open client would
 * keep the process alive, and the file's time-out would hide what went wrong.
 */
export async function dropAndClose(db: Db): Promise<void> {
  try {
    await db.dropDatabase();
  } finally {
    await db.client.close();
  }
}
