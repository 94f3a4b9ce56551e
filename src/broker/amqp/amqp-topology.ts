import type { Channel, Connection } from 'rabbitmq-client';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { BindingSpec, ExchangeBindingSpec, ExchangeSpec, QueueSpec, Topology } from '../topology.ts';
import { isConnectionLoss, readFailure } from './rabbit-error.ts';

/**
 * RabbitMQ 4 gives up a message that was returned 20 times to a quorum queue. It takes a limit of -1 for none; 3.10 takes
 * that too, and gives up every message at its first return. A number that is never reached means the same to both.
 */
const NEVER_REACHED = 1_000_000_000;

/**
 * Declares what is missing of a topology and leaves what exists as it is.
 *
 * AMQP has no "create if missing": declaring a queue that exists with other arguments is an error that closes the
 * channel. So a queue is looked up first and declared only when it is not there; one that is there is used with the
 * arguments it has, and is never deleted. Of an exchange the type must be right, or messages would go elsewhere; the
 * lookup does not tell it, so exchanges are declared, and their refusal is read.
 */
export async function declareTopology(connection: Connection, topology: Topology): Promise<void> {
  await withCommands(connection, async (commands) => {
    for (const exchange of topology.exchanges) await declareExchange(commands, exchange);
    for (const queue of topology.queues) await declareQueue(commands, queue);
    for (const binding of topology.bindings) await bind(commands, binding);
    for (const binding of topology.exchangeBindings ?? []) await bindExchange(commands, binding);
  });
}

/** Asked on a channel of its own: the answer "no" closes the channel. */
export async function exchangeExists(connection: Connection, name: string): Promise<boolean> {
  return withCommands(connection, async (commands) => {
    const absent = await attempt(commands, (channel) => channel.exchangeDeclare({ exchange: name, passive: true }));
    if (absent === undefined) return true;
    const { code } = readFailure(absent);
    if (code === 'NOT_FOUND') return false;
    const what = `exchange '${name}' cannot be looked up`;
    throw code === 'ACCESS_REFUSED'
      ? accessError(what, absent, { exchange: name })
      : topologyError(what, absent, { exchange: name });
  });
}

/** Messages ready in the queue. Rejects with E_BROKER_QUEUE_MISSING or E_BROKER_ACCESS. */
export async function countReady(connection: Connection, queue: string): Promise<number> {
  return withCommands(connection, async (commands) => {
    try {
      const { messageCount } = await commands.call((channel) => channel.queueDeclare({ queue, passive: true }));
      return messageCount ?? 0;
    } catch (error) {
      throw queueError(queue, error);
    }
  });
}

/** Commands one after another; each refusal closes the channel, so the next one gets a new channel. */
class Commands {
  readonly #connection: Connection;
  #channel: Channel | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async call<T>(command: (channel: Channel) => Promise<T>): Promise<T> {
    if (this.#channel?.active !== true) {
      this.#channel = await this.#connection.acquire({ emitErrorsFromChannel: true });
      this.#channel.on('error', () => {}); // every command reports its own failure
    }
    return command(this.#channel);
  }

  async close(): Promise<void> {
    await this.#channel?.close();
  }
}

async function withCommands<T>(connection: Connection, work: (commands: Commands) => Promise<T>): Promise<T> {
  const commands = new Commands(connection);
  try {
    return await work(commands);
  } finally {
    await commands.close();
  }
}

async function declareExchange(commands: Commands, { name, type, alternate }: ExchangeSpec): Promise<void> {
  const args = alternate === undefined ? {} : { arguments: { 'alternate-exchange': alternate } };
  const failure = await attempt(commands, (channel) =>
    channel.exchangeDeclare({ exchange: name, type, durable: true, ...args }),
  );
  if (failure === undefined) return;
  const { code, said } = readFailure(failure);
  if (code === 'PRECONDITION_FAILED') {
    const current = /inequivalent arg 'type'.*current is '([^']*)'/.exec(said)?.[1];
    if (current === undefined) return; // it exists, of this type, with other settings: used as it is
    throw new RuntimeError(
      'E_BROKER_TOPOLOGY',
      `exchange '${name}' is of type ${current}, expected ${type}: delete it or use another name`,
      { details: { exchange: name, got: current, expected: type }, cause: failure },
    );
  }
  if (code !== 'ACCESS_REFUSED')
    throw topologyError(`exchange '${name}' cannot be declared`, failure, { exchange: name });
  // Who may not declare it can still use it.
  const missing = await attempt(commands, (channel) =>
    channel.exchangeDeclare({ exchange: name, type, passive: true }),
  );
  if (missing !== undefined) throw accessError(`exchange '${name}' may not be declared`, failure, { exchange: name });
}

async function declareQueue(commands: Commands, spec: QueueSpec): Promise<void> {
  const { name } = spec;
  const lookUp = (): Promise<unknown> =>
    attempt(commands, (channel) => channel.queueDeclare({ queue: name, passive: true }));
  const absent = await lookUp();
  if (absent === undefined) return;
  if (readFailure(absent).code !== 'NOT_FOUND') throw queueError(name, absent);
  const refused = await attempt(commands, (channel) =>
    channel.queueDeclare({ queue: name, durable: true, arguments: { ...spec.arguments, ...returnLimit(spec) } }),
  );
  if (refused === undefined) return;
  if (readFailure(refused).code !== 'PRECONDITION_FAILED') throw queueError(name, refused);
  // Either somebody else has just declared it otherwise, or the broker does not accept these arguments at all.
  if ((await lookUp()) !== undefined)
    throw topologyError(`queue '${name}' cannot be declared`, refused, { queue: name });
}

function returnLimit({ arguments: args, keepsReturned }: QueueSpec): QueueSpec['arguments'] {
  return keepsReturned === true && args['x-queue-type'] === 'quorum' ? { 'x-delivery-limit': NEVER_REACHED } : {};
}

async function bind(commands: Commands, { exchange, queue, routingKey }: BindingSpec): Promise<void> {
  const failure = await attempt(commands, (channel) => channel.queueBind({ exchange, queue, routingKey }));
  if (failure === undefined) return;
  const details = { exchange, queue, routingKey };
  const { code, said } = readFailure(failure);
  if (code === 'NOT_FOUND' && said.includes('no queue')) throw queueError(queue, failure);
  const what = `queue '${queue}' cannot be bound to exchange '${exchange}'`;
  throw code === 'ACCESS_REFUSED' ? accessError(what, failure, details) : topologyError(what, failure, details);
}

async function bindExchange(commands: Commands, binding: ExchangeBindingSpec): Promise<void> {
  const failure = await attempt(commands, (channel) => channel.exchangeBind({ ...binding }));
  if (failure === undefined) return;
  const what = `exchange '${binding.destination}' cannot be bound to exchange '${binding.source}'`;
  throw readFailure(failure).code === 'ACCESS_REFUSED'
    ? accessError(what, failure, { ...binding })
    : topologyError(what, failure, { ...binding });
}

/** The failure as a value; a lost connection is thrown, for the whole topology is declared again then. */
async function attempt(commands: Commands, command: (channel: Channel) => Promise<unknown>): Promise<unknown> {
  try {
    await commands.call(command);
    return undefined;
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    return error;
  }
}

function queueError(queue: string, failure: unknown): unknown {
  if (isConnectionLoss(failure)) return failure;
  const details = { queue };
  const { code, said } = readFailure(failure);
  if (code === 'NOT_FOUND') {
    return new RuntimeError('E_BROKER_QUEUE_MISSING', `no queue '${queue}' (404 ${said}): declare it first`, {
      details,
      cause: failure,
    });
  }
  if (code === 'ACCESS_REFUSED' || code === 'RESOURCE_LOCKED')
    return accessError(`queue '${queue}' may not be used`, failure, details);
  return topologyError(`queue '${queue}' cannot be used`, failure, details);
}

function accessError(what: string, cause: unknown, details: Readonly<Record<string, unknown>>): RuntimeError {
  const { said } = readFailure(cause);
  return new RuntimeError('E_BROKER_ACCESS', `${what} (403 ${said}): grant the user access`, { details, cause });
}

function topologyError(what: string, cause: unknown, details: Readonly<Record<string, unknown>>): RuntimeError {
  return new RuntimeError('E_BROKER_TOPOLOGY', `${what}: the broker says ${readFailure(cause).said}`, {
    details,
    cause,
  });
}
