import { readdir } from 'node:fs/promises';
import { MongoClient } from 'mongodb';

/** SecantusDB 0.5.3 spreads collections over so many tables, by their names. */
const TABLES = 16;
/** With so many names hardly a table is left out: one in a billion times. A server with fewer tables costs all of them. */
const MOST_NAMES = 400;
const TABLE_FILE = /^secantus_documents_sh\d+\.wt$/;
const DATABASE = 'millrace-tables';

/**
 * Makes the tables that SecantusDB makes at the first write to them. A server that is killed while it makes one is left
 * with half a table: it starts, answers pings, and refuses every write to the collections that fall there for ever
 * ("cannot be used until all column groups are created"). A test that kills the server at random points met that about
 * once in fifteen runs.
 *
 * Cost: about 55 inserts, once a server.
 * @param dataFolder - of the server, where each table is a file
 */
export async function makeSecantusTables(url: string, dataFolder: string): Promise<void> {
  const client = new MongoClient(url);
  try {
    const db = client.db(DATABASE);
    for (let name = 0; name < MOST_NAMES && (await countTables(dataFolder)) < TABLES; name++) {
      await db.collection(`c${name}`).insertOne({});
    }
    await db.dropDatabase();
  } finally {
    await client.close();
  }
}

async function countTables(dataFolder: string): Promise<number> {
  return (await readdir(dataFolder)).filter((file) => TABLE_FILE.test(file)).length;
}
