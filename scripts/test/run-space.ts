import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import type { Services } from '../services/ensure-services.ts';
import { fetchManagement } from '../services/rabbitmq-probe.ts';

/** A virtual host and a database of the run's own, so that it meets nothing of anybody else and leaves nothing. */
export interface RunSpace {
  readonly amqpUrl: string | undefined;
  readonly mongoUrl: string | undefined;
  /** Lines for people: what could not be made and what is used instead. */
  readonly remarks: readonly string[];
  remove(): Promise<void>;
}

/** @returns the URLs of `services` with the virtual host and the database of a fresh name in their paths */
export async function createRunSpace(services: Services): Promise<RunSpace> {
  const name = `millrace-test-${randomBytes(4).toString('hex')}`;
  const remarks: string[] = [];
  const { mongoUrl } = services;
  const virtualHost = await createVirtualHost(services, name, remarks);
  return {
    amqpUrl: virtualHost?.url ?? services.amqpUrl,
    mongoUrl: mongoUrl === undefined ? undefined : withPath(mongoUrl, name),
    remarks,
    remove: async () => {
      await virtualHost?.remove();
      if (mongoUrl !== undefined) await dropDatabases(mongoUrl, name);
    },
  };
}

interface VirtualHost {
  readonly url: string;
  remove(): Promise<void>;
}

/** Returns undefined, with a remark, where the management API is not there or the user is not allowed to. */
async function createVirtualHost(
  services: Services,
  name: string,
  remarks: string[],
): Promise<VirtualHost | undefined> {
  const { amqpUrl, managementUrl } = services;
  if (amqpUrl === undefined) return undefined;
  const given = 'the tests use the virtual host of the given URL';
  if (managementUrl === undefined) {
    remarks.push(`no management API answers (MANAGEMENT_URL): ${given}`);
    return undefined;
  }
  const request = async (path: string, init: { method: string; body?: unknown }): Promise<void> => {
    const response = await fetchManagement(managementUrl, amqpUrl, path, init);
    if (!response.ok && response.status !== 404) throw new Error(`${init.method} ${path}: HTTP ${response.status}`);
  };
  try {
    const user = encodeURIComponent(decodeURIComponent(new URL(amqpUrl).username) || 'guest');
    await request(`vhosts/${name}`, { method: 'PUT', body: {} });
    const all = { configure: '.*', write: '.*', read: '.*' };
    await request(`permissions/${name}/${user}`, { method: 'PUT', body: all });
  } catch (error) {
    remarks.push(`no virtual host could be made (${(error as Error).message}): ${given}`);
    return undefined;
  }
  return { url: withPath(amqpUrl, name), remove: () => request(`vhosts/${name}`, { method: 'DELETE' }) };
}

/** Tests that need a further database begin its name with the run's. */
async function dropDatabases(mongoUrl: string, prefix: string): Promise<void> {
  const client = new MongoClient(mongoUrl, { serverSelectionTimeoutMS: 5000 });
  try {
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    for (const { name } of databases) if (name.startsWith(prefix)) await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}

function withPath(url: string, path: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${path}`;
  return parsed.href;
}
