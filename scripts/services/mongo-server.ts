import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { cacheFolder, secantusFolder, secantusPythonFolder } from './cache-folder.ts';
import { findBinary, isExecutable } from './find-binary.ts';
import { findPort } from './find-port.ts';
import { probeMongo } from './mongo-probe.ts';
import { OwnProcess } from './own-process.ts';
import { makeSecantusTables } from './secantus-tables.ts';
import { type LedgerEntry, serverLedger } from './server-ledger.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 20_000;
const REPLICA_SET = 'millrace';
/** Within the server's folder. */
const DATA = 'data';

/** `mongod` is MongoDB itself; the two others are SecantusDB, which speaks its protocol, in Rust and in Python. */
export type MongoFlavour = 'mongod' | 'secantus' | 'secantus-python';

export interface MongoBinary {
  readonly flavour: MongoFlavour;
  readonly path: string;
}

export interface MongoServerOptions {
  /** Default: what `findMongoBinary` finds. */
  readonly binary?: MongoBinary;
  /** Taken when free, else any free port. */
  readonly port?: number;
  /** True: it stays up after this process, until `npm run services down`. */
  readonly outlives?: boolean;
  /** Further arguments, such as `--enable-test-commands` of the Python server. */
  readonly args?: readonly string[];
}

/** A server binary on PATH or in the cache folder; MongoDB itself before the compatible ones. */
export function findMongoBinary(): MongoBinary | undefined {
  const mongod = findBinary('mongod', ['/usr/local/bin', '/opt/homebrew/bin']);
  if (mongod !== undefined) return { flavour: 'mongod', path: mongod };
  const candidates: MongoBinary[] = [
    { flavour: 'mongod', path: downloadedMongod() },
    { flavour: 'secantus', path: findBinary('secantusd-rs') ?? join(secantusFolder(), 'bin', 'secantusd-rs') },
    {
      flavour: 'secantus-python',
      path: findBinary('secantusd-py') ?? join(secantusPythonFolder(), 'bin', 'secantusd-py'),
    },
  ];
  return candidates.find((candidate) => isExecutable(candidate.path));
}

/** Where the downloaded mongod is linked to, whatever its version is called. */
export function downloadedMongod(): string {
  return join(cacheFolder(), 'mongod');
}

/**
 * A MongoDB server of our own: private folder, free port on the loopback interface, a replica set of one member, so
 * that transactions and change streams work. Data survives `restart` and `kill`.
 *
 *     stopped ──start──► running ──stop / kill──► stopped        remove: stopped, and its folder gone
 *
 * SecantusDB always runs with --sync-on-commit: without it, SIGKILL loses writes that were acknowledged.
 * Cost: under two seconds to start (the Python one five), up to 512 MB of cache.
 */
export class MongoServer {
  readonly url: string;
  readonly #binary: MongoBinary;
  readonly #folder: string;
  readonly #port: number;
  readonly #options: MongoServerOptions;
  #process: OwnProcess | undefined;
  #label = '';

  private constructor(binary: MongoBinary, folder: string, port: number, options: MongoServerOptions) {
    this.#binary = binary;
    this.#folder = folder;
    this.#port = port;
    this.#options = options;
    const replicaSet = binary.flavour === 'mongod' ? REPLICA_SET : 'secantus';
    this.url = `mongodb://127.0.0.1:${port}/?replicaSet=${replicaSet}`;
  }

  /**
   * Makes the folder and starts the server.
   * @throws when no binary is found, or with what the server printed when it does not come up
   */
  static async start(options: MongoServerOptions = {}): Promise<MongoServer> {
    const binary = options.binary ?? findMongoBinary();
    if (binary === undefined) throw new Error('no mongod on PATH and none in the cache folder');
    const folder = await mkdtemp(join(tmpdir(), 'millrace-mongodb-'));
    await mkdir(join(folder, DATA));
    const server = new MongoServer(binary, folder, await findPort(options.port), options);
    try {
      await server.start();
      if (binary.flavour === 'secantus') await makeSecantusTables(server.url, join(folder, DATA));
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  /** "MongoDB 8.0.4", "SecantusDB 0.5.3-beta.193": results must say which server it was. */
  get label(): string {
    return this.#label;
  }

  get flavour(): MongoFlavour {
    return this.#binary.flavour;
  }

  /** Starts the stopped server again, on the same port and with the same data. */
  async start(): Promise<void> {
    if (this.#process?.running === true) return;
    const child = OwnProcess.spawn({
      command: this.#binary.path,
      args: [...this.#args(), ...(this.#options.args ?? [])],
      env: process.env,
      cwd: this.#folder,
      logFile: join(this.#folder, 'console.log'),
    });
    this.#process = child;
    serverLedger.record(this.#ledgerEntry(child.pid), this.#options.outlives === true);
    await child.waitUntilReady(() => this.#isReady(), READY_TIMEOUT_MS);
    serverLedger.record(this.#ledgerEntry(child.pid), this.#options.outlives === true);
  }

  async stop(): Promise<void> {
    await this.#end((child) => child.stop(STOP_GRACE_MS));
  }

  /** As when a machine dies: what was not yet on disk is lost. */
  async kill(): Promise<void> {
    await this.#end((child) => child.kill());
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The server answers nothing but keeps its connections: a half-open peer. */
  freeze(): void {
    this.#process?.freeze();
  }

  thaw(): void {
    this.#process?.thaw();
  }

  /** Ends the server and its data. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #end(how: (child: OwnProcess) => Promise<void>): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    child.thaw(); // a frozen process does not see SIGTERM
    await how(child);
    serverLedger.forget(child.pid);
  }

  #args(): string[] {
    const data = join(this.#folder, DATA);
    if (this.#binary.flavour === 'mongod') {
      const cache = ['--wiredTigerCacheSizeGB', '0.5'];
      return [
        '--port',
        String(this.#port),
        '--bind_ip',
        '127.0.0.1',
        '--dbpath',
        data,
        '--replSet',
        REPLICA_SET,
        ...cache,
      ];
    }
    const common = ['--port', String(this.#port), '--host', '127.0.0.1', '--storage-path', data];
    return [...common, '--sync-on-commit', '--cache-size', '512M'];
  }

  async #isReady(): Promise<boolean> {
    try {
      if (this.#binary.flavour === 'mongod') await initiateReplicaSet(this.#port);
      this.#label = (await probeMongo(this.url, 1000)).label;
      return true;
    } catch {
      return false; // not listening yet, or no primary yet
    }
  }

  #ledgerEntry(pid: number): Omit<LedgerEntry, 'owner' | 'start'> {
    return { kind: 'mongodb', pid, folder: this.#folder, url: this.url, label: this.#label };
  }
}

/** A mongod that was told its set's name serves nothing until the set is initiated, once. */
async function initiateReplicaSet(port: number): Promise<void> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1000,
  });
  try {
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 });
    if (hello['setName'] !== undefined) return;
    await admin.command({ replSetInitiate: { _id: REPLICA_SET, members: [{ _id: 0, host: `127.0.0.1:${port}` }] } });
  } finally {
    await client.close();
  }
}
