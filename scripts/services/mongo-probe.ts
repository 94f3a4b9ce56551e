import { type Document, MongoClient } from 'mongodb';

export const DEFAULT_MONGO_URL = 'mongodb://127.0.0.1:27017/';

export interface MongoProbe {
  /** The URL to use: the one that was asked, with the replica set's name where it has one. */
  readonly url: string;
  /** "MongoDB 8.0.4" or the name and version of a compatible server: results must say which it was. */
  readonly label: string;
  readonly replicaSet: string | undefined;
}

/**
 * Asks the server at a MongoDB URL what it is.
 * @throws what the driver or the server said
 */
export async function probeMongo(url: string, timeoutMs = 5000): Promise<MongoProbe> {
  const parsed = new URL(url);
  if (parsed.searchParams.has('replicaSet') || parsed.protocol === 'mongodb+srv:') return ask(url, timeoutMs);

  const direct = withParameter(url, 'directConnection', 'true');
  const probe = await ask(direct, timeoutMs);
  if (probe.replicaSet === undefined) return { ...probe, url };
  // Members of a set answer under the names that the set knows them by; in a container these may be unreachable.
  const named = withParameter(url, 'replicaSet', probe.replicaSet);
  return ask(named, timeoutMs).catch(() => probe);
}

export function withParameter(url: string, name: string, value: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set(name, value);
  return parsed.href;
}

async function ask(url: string, timeoutMs: number): Promise<MongoProbe> {
  const client = new MongoClient(url, {
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: timeoutMs,
    socketTimeoutMS: timeoutMs,
  });
  try {
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 });
    const build: Document = await admin.command({ buildInfo: 1 });
    // Needs the credentials, where buildInfo does not.
    await admin.command({ listDatabases: 1, nameOnly: true });
    const secantus: unknown = build['secantusVersion'];
    const label = typeof secantus === 'string' ? `SecantusDB ${secantus}` : `MongoDB ${build['version']}`;
    return { url, label, replicaSet: hello['setName'] as string | undefined };
  } finally {
    await client.close();
  }
}
