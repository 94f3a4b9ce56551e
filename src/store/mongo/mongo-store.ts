import { type MongoClient, MongoMissingCredentialsError, MongoServerError, type TopologyDescription } from 'mongodb';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { Store, StoreHealth, StoreWriterSpec } from '../store.ts';
import { StoreStateField } from '../store-state.ts';
import { createMongoClient, type MongoAddress, readMongoAddress } from './mongo-address.ts';
import type { MongoWriterConfig } from './mongo-writer.ts';

export interface MongoStoreOptions {
  /**
   * `mongodb://[user:password@]host[:port]/database[?options]` or `mongodb+srv://…`. Without a database it is `millrace`.
   * The URL's own options win over millrace's, but for the write concern: it is always `majority`, on disk.
   * Otherwise throws E_STORE_URL.
   */
  readonly url: string;
  /**
   * Longest time that writing one batch may take, in ms, the driver's own second try included. Longer: rides out slow
   * elections. Shorter: a dead network is noticed sooner.
   * @defaultValue `20000`
   */
  readonly writeTimeoutMs?: number;
  /**
   * Longest time that `start` and `ping` wait for a server that can take writes, in ms.
   * @defaultValue `5000`
   */
  readonly pingTimeoutMs?: number;
  /**
   * Connections of each thread. The server sees threads × processes × this, and two more a thread for monitoring.
   * @defaultValue `2`
   */
  readonly connectionsPerThread?: number;
  /**
   * How long the ids of tasks that updated, replaced or deleted are kept, in ms: a message that comes again later than this
   * does its work twice.
   * @defaultValue `604800000`, seven days
   */
  readonly effectMemoryMs?: number;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;

/** Unauthorized, AuthenticationFailed, UserNotFound, MechanismUnavailable, AtlasError. */
const AUTH_CODES = new Set<unknown>([11, 13, 18, 334, 8000]);

/**
 * The main thread's side of MongoDB: finds out whether it is there; the threads do the writing (mongo-writer.ts).
 *
 * States in store-state.ts. `start` and every `ping` set connected or away; between them the driver's own monitoring
 * does, so that `health` is true while nothing flows.
 *
 * Cost: one connection and the driver's two for monitoring; nothing per document.
 */
export class MongoStore implements Store {
  readonly kind = 'mongo';
  readonly #options: Required<MongoStoreOptions>;
  readonly #state = new StoreStateField();
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #client: MongoClient | undefined;
  #address: MongoAddress | undefined;
  #server: string | undefined;

  constructor(options: MongoStoreOptions) {
    this.#options = {
      writeTimeoutMs: 20_000,
      pingTimeoutMs: 5_000,
      connectionsPerThread: 2,
      effectMemoryMs: WEEK_MS,
      ...options,
    };
  }

  async start(): Promise<void> {
    this.#state.assertStartable();
    this.#started ??= this.#connect().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  health(): StoreHealth {
    return { state: this.#state.state, server: this.#server, reason: this.#state.reason };
  }

  async ping(): Promise<void> {
    const client = this.#client;
    const address = this.#address;
    if (client === undefined || address === undefined) {
      throw new RuntimeError('E_STORE_UNREACHABLE', `the store cannot be asked: it is ${this.#state.state}`);
    }
    try {
      await this.#ask(client, address);
    } catch (thrown) {
      const reason = reasonOf(thrown);
      if (this.#client === client) this.#state.moveTo('away', reason);
      throw new RuntimeError('E_STORE_UNREACHABLE', `${address.target} cannot take writes: ${reason}`, {
        cause: thrown,
      });
    }
    if (this.#client === client) this.#state.moveTo('connected');
  }

  writerSpec(): StoreWriterSpec {
    const { url, writeTimeoutMs: timeoutMs, connectionsPerThread: connections, effectMemoryMs } = this.#options;
    const config: MongoWriterConfig = { url, timeoutMs, connections, effectMemoryMs };
    const ending = import.meta.url.slice(import.meta.url.lastIndexOf('.')); // .ts under tsx, .js when built
    return { module: new URL(`./mongo-writer${ending}`, import.meta.url).href, config };
  }

  async #connect(): Promise<void> {
    const address = readMongoAddress(this.#options.url);
    const limit = Math.floor(this.#options.pingTimeoutMs * 0.8); // below ours, for the driver knows the reason
    const client = createMongoClient(address, {
      maxPoolSize: 1,
      connectTimeoutMS: limit,
      socketTimeoutMS: limit,
      waitQueueTimeoutMS: limit,
      serverSelectionTimeoutMS: limit,
    });
    try {
      await this.#ask(client, address);
      this.#server = await nameServer(client);
    } catch (thrown) {
      await client.close();
      throw startError(thrown, address);
    }
    if (this.#stopped !== undefined) {
      await client.close();
      throw new RuntimeError('E_STATE', 'the store was stopped while it was starting');
    }
    client.on('topologyDescriptionChanged', ({ newDescription }) => {
      if (this.#client === client) this.#follow(newDescription);
    });
    this.#address = address;
    this.#client = client;
    this.#state.moveTo('connected');
  }

  async #ask(client: MongoClient, address: MongoAddress): Promise<void> {
    const limit = this.#options.pingTimeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${limit} ms`)), limit);
    });
    try {
      await Promise.race([askForWrites(client, address), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  #follow(description: TopologyDescription): void {
    const servers = [...description.servers.values()];
    if (servers.some((server) => server.isWritable)) this.#state.moveTo('connected');
    else
      this.#state.moveTo(
        'away',
        servers.find(({ error }) => error !== null)?.error?.message ?? 'no server takes writes',
      );
  }

  async #close(): Promise<void> {
    this.#state.moveTo('stopped');
    const client = this.#client;
    this.#client = undefined;
    await this.#started?.catch(() => undefined); // whoever called start is told; one that is under way closes what it opened
    await client?.close();
  }
}

/** Can it take writes, and may we? The command `ping` needs no permission, so ask for something that does. */
async function askForWrites(client: MongoClient, { database }: MongoAddress): Promise<void> {
  const db = client.db(database);
  // A cursor, because the driver tries those twice: a connection that broke a while ago must not fail a ping of now.
  await db.listCollections({ name: 'millrace' }, { nameOnly: true, authorizedCollections: true }).toArray();
  const hello = await db.command({ hello: 1 });
  if (hello['isWritablePrimary'] !== true) throw new Error('this server is no primary, it takes no writes');
}

/** `MongoDB 8.0.4`, or the product that speaks its protocol. */
async function nameServer(client: MongoClient): Promise<string> {
  const info = await client.db('admin').command({ buildInfo: 1 });
  const other: unknown = info['secantusVersion'];
  return typeof other === 'string'
    ? `secantusd-rs ${other} (MongoDB-compatible)`
    : `MongoDB ${String(info['version'])}`;
}

function startError(thrown: unknown, { target }: MongoAddress): RuntimeError {
  const reason = reasonOf(thrown);
  if (isAuthError(thrown)) {
    const message = `${target} refuses the credentials: ${reason}; check user and password in the store URL, and its authSource`;
    return new RuntimeError('E_STORE_AUTH', message, { cause: thrown });
  }
  const message = `${target} cannot be reached: ${reason}; expected a MongoDB that takes writes, check host, port and that it runs`;
  return new RuntimeError('E_STORE_UNREACHABLE', message, { cause: thrown });
}

function isAuthError(thrown: unknown): boolean {
  return (
    thrown instanceof MongoMissingCredentialsError ||
    (thrown instanceof MongoServerError && AUTH_CODES.has(thrown.code))
  );
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
