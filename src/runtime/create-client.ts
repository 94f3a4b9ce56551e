import type { Publisher } from '../broker/broker.ts';
import { Delays } from '../broker/delays.ts';
import { Client, type ClientParts, type ClientSettings } from '../client/client.ts';
import { checkBroker } from '../config/check-options.ts';
import { boolean, type Check, duration, group, integer, oneOf, optional, text } from '../config/option-checks.ts';
import { type ResolvedBroker, resolveBroker } from '../config/resolve-options.ts';
import { parseDuration } from '../support/duration.ts';
import { CLIENT_DEFAULTS, type ClientOptions } from './client-options.ts';
import { amqpOptions } from './open-broker.ts';

const MINUTE = 60_000;

const checkClientOptions: Check = group({
  broker: optional(checkBroker),
  window: optional(integer(1, 65_535)),
  queue: optional(text(1, 255)),
  queueType: optional(oneOf(['quorum', 'classic'])),
  declare: optional(boolean),
  delays: optional(group({ prefix: optional(text(1, 100)) })),
  closeGrace: optional(duration(0, 10 * MINUTE)),
});

/**
 * Connects a client. Resolves when it can send; rejects with a coded error that says in one line what was wrong, and
 * leaves nothing open.
 */
export async function createClient(options: ClientOptions = {}): Promise<Client> {
  checkClientOptions(options, '');
  const settings: ClientSettings = {
    window: options.window ?? CLIENT_DEFAULTS.window,
    defaultQueue: options.queue ?? CLIENT_DEFAULTS.queue,
    queueType: options.queueType ?? CLIENT_DEFAULTS.queueType,
    declare: options.declare ?? CLIENT_DEFAULTS.declare,
    closeGraceMs: parseDuration(options.closeGrace ?? CLIENT_DEFAULTS.closeGrace) ?? Number.NaN,
  };
  const delayPrefix = options.delays?.prefix ?? CLIENT_DEFAULTS.delays.prefix;
  const broker = resolveBroker(options.broker ?? CLIENT_DEFAULTS.broker);
  return new Client(await openParts(broker, settings.window, delayPrefix), settings);
}

/** To RabbitMQ a client needs no connection that reads deliveries, and one for topology only where it declares. */
async function openParts(broker: ResolvedBroker, window: number, delayPrefix: string): Promise<ClientParts> {
  if (broker.kind === 'instance') {
    const { broker: given } = broker;
    await given.start();
    return {
      publisher: await given.publisher({ window }),
      declare: (topology) => given.declare(topology),
      delays: new Delays(given, delayPrefix),
      release: async () => {},
    };
  }
  const { OutgoingConnections } = await import('../broker/amqp/outgoing-connections.ts');
  const connections = new OutgoingConnections(amqpOptions(broker));
  const release = (): Promise<void> => connections.close();
  const publisher = await openOrRelease(connections.publisher({ window }), release);
  const delays = new Delays(connections, delayPrefix);
  return { publisher, declare: (topology) => connections.declare(topology), delays, release };
}

async function openOrRelease(opening: Promise<Publisher>, release: () => Promise<void>): Promise<Publisher> {
  try {
    return await opening;
  } catch (error) {
    await release();
    throw error;
  }
}
