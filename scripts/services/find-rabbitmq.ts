import { composeDown, composeUp, dockerAnswers } from './docker.ts';
import type { FoundServer, MissingServer, SearchOptions } from './found-server.ts';
import { installPackage } from './install-package.ts';
import { DEFAULT_AMQP_URL, probeRabbit } from './rabbitmq-probe.ts';
import { findRabbitScripts, RabbitServer } from './rabbitmq-server.ts';
import { serverLedger } from './server-ledger.ts';

/** The five ways to a RabbitMQ, in order; see `ensureServices`. */
export async function findRabbit(search: SearchOptions): Promise<FoundServer | MissingServer> {
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
  if (findRabbitScripts() === undefined) {
    if (!search.install) return { missing: [...tried, 'rabbitmq-server is not installed', INSTALL_HINT].join('; ') };
    try {
      await installPackage('rabbitmq-server', search.onProgress);
    } catch (error) {
      return { missing: [...tried, (error as Error).message].join('; ') };
    }
  }
  return startOwn(search, tried);
}

const INSTALL_HINT = 'set AMQP_URL, or INSTALL_SERVICES=1 to have it installed';

async function fromEnvironment(): Promise<FoundServer | undefined> {
  const url = process.env['AMQP_URL'];
  if (url === undefined || url === '') return undefined;
  const given = process.env['MANAGEMENT_URL'];
  const probe = await probeRabbit(url, given === undefined ? {} : { managementUrl: given }).catch((error: Error) => {
    throw new Error(`AMQP_URL is set, but its server cannot be used: ${error.message}`, { cause: error });
  });
  return running(url, probe.managementUrl, probe.version, 'AMQP_URL');
}

async function fromListening(tried: string[]): Promise<FoundServer | undefined> {
  const started = serverLedger.running().find((entry) => entry.kind === 'rabbitmq' && entry.owner === null);
  const url = started?.url ?? DEFAULT_AMQP_URL;
  try {
    const probe = await probeRabbit(
      url,
      started?.managementUrl === undefined ? {} : { managementUrl: started.managementUrl },
    );
    const why = started === undefined ? 'listens on the default port' : 'started by npm run services';
    return running(url, probe.managementUrl, probe.version, why);
  } catch (error) {
    tried.push(`port 5672: ${(error as Error).message}`);
    return undefined;
  }
}

async function fromDocker(search: SearchOptions, tried: string[]): Promise<FoundServer | undefined> {
  if (!(await dockerAnswers())) {
    tried.push('no Docker engine answers');
    return undefined;
  }
  search.onProgress('starting RabbitMQ with Docker Compose');
  try {
    await composeUp('rabbitmq', search.onProgress);
    const probe = await probeRabbit(DEFAULT_AMQP_URL);
    const found = running(DEFAULT_AMQP_URL, probe.managementUrl, probe.version, 'Docker Compose, started by this run');
    return search.outlives ? found : { ...found, stop: () => composeDown('rabbitmq') };
  } catch (error) {
    tried.push((error as Error).message);
    return undefined;
  }
}

async function startOwn(search: SearchOptions, tried: string[]): Promise<FoundServer | MissingServer> {
  search.onProgress('starting a RabbitMQ node of our own');
  try {
    const ports = search.outlives ? { port: 5672, managementPort: 15672 } : {};
    const server = await RabbitServer.start({ ...ports, outlives: search.outlives });
    return {
      url: server.amqpUrl,
      managementUrl: server.managementUrl,
      label: server.label,
      why: search.outlives ? 'own node, until npm run services down' : 'own node, started by this run',
      owned: true,
      stop: () => (search.outlives ? Promise.resolve() : server.remove()),
    };
  } catch (error) {
    return { missing: [...tried, `own node: ${(error as Error).message}`].join('; ') };
  }
}

function running(url: string, managementUrl: string | undefined, version: string, why: string): FoundServer {
  return { url, managementUrl, label: `RabbitMQ ${version}`.trim(), why, owned: false, stop: () => Promise.resolve() };
}
