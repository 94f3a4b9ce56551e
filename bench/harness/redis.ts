/**
 * The Redis of those contenders that need one: that of REDIS_URL, or a server of our own for the run.
 * Our own one writes what it acknowledges to its log and syncs that once a second, and evicts nothing: what the
 * documentation of BullMQ recommends for production.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findBinary } from '../../scripts/services/find-binary.ts';
import { findPort } from '../../scripts/services/find-port.ts';
import { installPackage } from '../../scripts/services/install-package.ts';
import { OwnProcess } from '../../scripts/services/own-process.ts';
import { serverLedger } from '../../scripts/services/server-ledger.ts';

const READY_TIMEOUT_MS = 10_000;
const STOP_GRACE_MS = 5_000;

export interface BenchRedis {
  readonly url: string;
  /** Version and what its writes survive. */
  readonly label: string;
  stop(): Promise<void>;
}

async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  let refused: Error | undefined;
  redis.on('error', (error: Error) => {
    refused = error;
  });
  try {
    await redis.connect();
    return await question(redis);
  } catch (error) {
    throw refused ?? error; // what the connection says tells more than that it is closed
  } finally {
    redis.disconnect();
  }
}

async function labelOf(url: string): Promise<string> {
  return ask(url, async (redis) => {
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? '(version unknown)';
    const [, appends = 'unknown'] = (await redis.config('GET', 'appendonly')) as string[];
    const [, syncs = 'unknown'] = (await redis.config('GET', 'appendfsync')) as string[];
    return `Redis ${version}, appendonly ${appends}, appendfsync ${syncs}`;
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await ask(url, (redis) => redis.ping())) === 'PONG';
  } catch {
    return false; // not yet: whoever waits says at the end what the server printed
  }
}

async function startOwn(command: string): Promise<BenchRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
  const port = await findPort();
  const url = `redis://127.0.0.1:${port}`;
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
  };
  const server = OwnProcess.spawn({
    command,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env: process.env,
    cwd: folder,
    logFile: join(folder, 'console.log'),
  });
  serverLedger.record({ kind: 'redis', pid: server.pid, folder, url, label: 'Redis' }, false);
  const stop = async (): Promise<void> => {
    await server.stop(STOP_GRACE_MS);
    serverLedger.forget(server.pid);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await server.waitUntilReady(() => answers(url), READY_TIMEOUT_MS);
    return { url, label: await labelOf(url), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @throws with why there is none on this machine */
export async function openRedis(say: (line: string) => void): Promise<BenchRedis> {
  const url = process.env['REDIS_URL'];
  if (url !== undefined && url !== '') return { url, label: await labelOf(url), stop: async () => {} };
  if (findBinary('redis-server') === undefined && process.env['INSTALL_SERVICES'] === '1') {
    await installPackage('redis-server', say);
  }
  const command = findBinary('redis-server');
  if (command === undefined) {
    throw new Error('there is no redis-server on PATH; set REDIS_URL, or INSTALL_SERVICES=1 to have it installed');
  }
  return startOwn(command);
}
