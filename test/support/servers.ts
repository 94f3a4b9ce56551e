import { findMongoBinary } from '../../scripts/services/mongo-server.ts';
import { findRabbitScripts } from '../../scripts/services/rabbitmq-server.ts';

/** URLs of the real servers that tests may use; scripts/test.ts finds or starts them and sets the variables. */
export const amqpUrl: string | undefined = process.env['AMQP_URL'];
export const mongoUrl: string | undefined = process.env['MONGO_URL'];
/**
 * Management API without credentials: those of `amqpUrl` hold.
 * @public
 */
export const managementUrl: string | undefined = process.env['MANAGEMENT_URL'];

/** Test options that skip, with a reason, when one of the servers is not there. */
export function needs(...urls: readonly (string | undefined)[]): { skip: string | false } {
  return { skip: urls.includes(undefined) ? 'needs a server that is not there (AMQP_URL, MONGO_URL)' : false };
}

/**
 * Test options for tests that stop, starve or fill a server. They start one of their own (`RabbitServer.start()`,
 * `MongoServer.start()` of scripts/services) and skip where there is no binary to start.
 */
export function needsOwn(...servers: readonly ('rabbitmq' | 'mongodb')[]): { skip: string | false } {
  const missing = servers.filter(
    (name) => (name === 'rabbitmq' ? findRabbitScripts() : findMongoBinary()) === undefined,
  );
  return {
    skip: missing.length > 0 ? `needs a server of its own, and ${missing.join(' and ')} is not installed here` : false,
  };
}
