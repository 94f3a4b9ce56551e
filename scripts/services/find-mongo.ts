import { composeDown, composeUp, dockerAnswers } from './docker.ts';
import type { FoundServer, MissingServer, SearchOptions } from './found-server.ts';
import { installMongo } from './install-mongo.ts';
import { DEFAULT_MONGO_URL, type MongoProbe, probeMongo } from './mongo-probe.ts';
import { findMongoBinary, MongoServer } from './mongo-server.ts';
import { serverLedger } from './server-ledger.ts';

/** The five ways to a MongoDB, in order; see `ensureServices`. */
export async function findMongo(search: SearchOptions): Promise<FoundServer | MissingServer> {
  const tried: string[] = [];
  if (!search.own) {
    const found = (await fromEnvironment()) ?? (await fromListening(tried));
    if (found !== undefined) return found;
  }
  if (search.lookOnly) return { missing: tried.join('; ') };
  if (!search.own) {
    const found = await fromDocker(search, tried);
    if (found !== undefined) return found;
  }
  if (findMongoBinary() === undefined) {
    if (!search.install) return { missing: [...tried, 'no mongod on PATH', INSTALL_HINT].join('; ') };
    try {
      await installMongo(search.onProgress);
    } catch (error) {
      return { missing: [...tried, (error as Error).message].join('; ') };
    }
  }
  return startOwn(search, tried);
}

const INSTALL_HINT = 'set MONGO_URL, or INSTALL_SERVICES=1 to have a server installed';

async function fromEnvironment(): Promise<FoundServer | undefined> {
  const url = process.env['MONGO_URL'];
  if (url === undefined || url === '') return undefined;
  const probe = await probeMongo(url).catch((error: Error) => {
    throw new Error(`MONGO_URL is set, but its server cannot be used: ${error.message}`, { cause: error });
  });
  return running(probe, 'MONGO_URL');
}

async function fromListening(tried: string[]): Promise<FoundServer | undefined> {
  const started = serverLedger.running().find((entry) => entry.kind === 'mongodb' && entry.owner === null);
  try {
    const probe = await probeMongo(started?.url ?? DEFAULT_MONGO_URL, 2000);
    return running(probe, started === undefined ? 'listens on the default port' : 'started by npm run services');
  } catch (error) {
    tried.push(`port 27017: ${(error as Error).message}`);
    return undefined;
  }
}

async function fromDocker(search: SearchOptions, tried: string[]): Promise<FoundServer | undefined> {
  if (!(await dockerAnswers())) {
    tried.push('no Docker engine answers');
    return undefined;
  }
  search.onProgress('starting MongoDB with Docker Compose');
  try {
    await composeUp('mongodb', search.onProgress);
    const found = running(await probeMongo(DEFAULT_MONGO_URL), 'Docker Compose, started by this run');
    return search.outlives ? found : { ...found, stop: () => composeDown('mongodb') };
  } catch (error) {
    tried.push((error as Error).message);
    return undefined;
  }
}

async function startOwn(search: SearchOptions, tried: string[]): Promise<FoundServer | MissingServer> {
  search.onProgress('starting a MongoDB server of our own');
  try {
    const server = await MongoServer.start({ ...(search.outlives ? { port: 27017 } : {}), outlives: search.outlives });
    return {
      url: server.url,
      label: server.label,
      why: search.outlives ? 'own server, until npm run services down' : 'own server, started by this run',
      owned: true,
      stop: () => (search.outlives ? Promise.resolve() : server.remove()),
    };
  } catch (error) {
    return { missing: [...tried, `own server: ${(error as Error).message}`].join('; ') };
  }
}

function running(probe: MongoProbe, why: string): FoundServer {
  return { url: probe.url, label: probe.label, why, owned: false, stop: () => Promise.resolve() };
}
