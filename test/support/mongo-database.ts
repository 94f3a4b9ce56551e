import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import { dropAndClose } from './drop-database.ts';
import { mongoUrl } from './servers.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** A database of its own on the test server, reached directly by the test and through a proxy by what is tested. */
export interface MongoDatabase {
  readonly proxy: TcpProxy;
  /** URL of the database through the proxy. */
  readonly url: string;
  readonly db: Db;
  /** Drops the database and closes everything. */
  remove(): Promise<void>;
}

export async function createMongoDatabase(): Promise<MongoDatabase> {
  if (mongoUrl === undefined) throw new TypeError('MONGO_URL is not set');
  const real = new URL(mongoUrl);
  const name = `millrace_test_${randomUUID().slice(0, 8)}`;
  const proxy = await TcpProxy.start(real.host);
  const client = await MongoClient.connect(mongoUrl);
  const db = client.db(name);
  const through = new URL(mongoUrl);
  through.host = proxy.address;
  through.pathname = `/${name}`;
  // The server would tell the driver its own address, and the driver would go round the proxy.
  through.search = '?directConnection=true';
  return {
    proxy,
    url: through.href,
    db,
    remove: async () => {
      await dropAndClose(db);
      await proxy.stop();
    },
  };
}
