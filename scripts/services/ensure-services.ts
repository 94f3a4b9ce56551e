import { findMongo } from './find-mongo.ts';
import { findRabbit } from './find-rabbitmq.ts';
import type { FoundServer, MissingServer, SearchOptions } from './found-server.ts';
import { serverLedger } from './server-ledger.ts';

export interface Services {
  /** Undefined where RabbitMQ cannot be had. */
  readonly amqpUrl: string | undefined;
  /** Without credentials: those of `amqpUrl` hold. Undefined where the management API does not answer. */
  readonly managementUrl: string | undefined;
  /** Undefined where MongoDB cannot be had. */
  readonly mongoUrl: string | undefined;
  /** What this process started. */
  readonly owned: { readonly rabbit: boolean; readonly mongo: boolean };
  /** "SecantusDB 0.5.3-beta.193" and the like, for results that must say what they were measured on. */
  readonly labels: { readonly rabbit: string; readonly mongo: string };
  /** Two lines for people: what is used and why, or what was tried. */
  describe(): string[];
  /** Stops what this process started, and nothing else. */
  stop(): Promise<void>;
}

export type EnsureOptions = Partial<SearchOptions> & { readonly install: boolean };

/**
 * Finds or starts RabbitMQ and MongoDB, each by the first of these ways that works:
 *
 *     1 the URL in AMQP_URL / MONGO_URL      4 a binary on PATH or in the cache folder, on a free port
 *     2 a server that listens already        5 installed (only with `install`)
 *     3 Docker Compose, if an engine answers
 *
 * MILLRACE_SERVICES=own skips 1 to 3. What cannot be had is undefined, and `describe` says why.
 * @throws when a URL was given and the server behind it cannot be used: a wrong URL must not be papered over
 */
export async function ensureServices(options: EnsureOptions): Promise<Services> {
  const search: SearchOptions = {
    own: process.env['MILLRACE_SERVICES'] === 'own',
    lookOnly: false,
    outlives: false,
    onProgress: (line) => process.stderr.write(`services: ${line}\n`),
    ...options,
  };
  for (const entry of serverLedger.sweep()) search.onProgress(`stopped ${entry.label}, left by a run that was killed`);

  // One after the other: on a small machine a compiler and a starting node only slow each other down.
  const rabbit = await findRabbit(search);
  let mongo: FoundServer | MissingServer;
  try {
    mongo = await findMongo(search);
  } catch (error) {
    if (!('missing' in rabbit)) await rabbit.stop();
    throw error;
  }
  return describeServices(rabbit, mongo);
}

function describeServices(rabbit: FoundServer | MissingServer, mongo: FoundServer | MissingServer): Services {
  const foundRabbit = 'missing' in rabbit ? undefined : rabbit;
  const foundMongo = 'missing' in mongo ? undefined : mongo;
  return {
    amqpUrl: foundRabbit?.url,
    managementUrl: foundRabbit?.managementUrl,
    mongoUrl: foundMongo?.url,
    owned: { rabbit: foundRabbit?.owned ?? false, mongo: foundMongo?.owned ?? false },
    labels: { rabbit: foundRabbit?.label ?? 'none', mongo: foundMongo?.label ?? 'none' },
    describe: () => [describeServer('RabbitMQ', rabbit), describeServer('MongoDB', mongo)],
    stop: async () => {
      await Promise.all([foundRabbit?.stop(), foundMongo?.stop()]);
    },
  };
}

function describeServer(name: string, server: FoundServer | MissingServer): string {
  if ('missing' in server) return `${name}: none; ${server.missing}`;
  return `${name}: ${server.label} at ${withoutPassword(server.url)} (${server.why})`;
}

/** A URL that may be printed. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '***';
  return parsed.href;
}
