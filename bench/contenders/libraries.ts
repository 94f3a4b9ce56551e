/** The catalogue's entries of consumers that are written by hand on a client library. */
import { asGiven, BY_THE_CLOCK, type CatalogueEntry } from './entry.ts';

const LIBRARY = 'at least once; ack once handled; reconnects only where the library does; no batching, no threads';

/** Where each write is synced alone, one insertOne a message is slower than batches by a factor of about 20. */
const INSERT_ONE_SHARE = 0.05;

/** rabbitmq-client reads frames so slowly that a round of it would take as long as one of all others. */
const SLOW_SHARE = 0.2;

export const LIBRARIES: Readonly<Record<string, CatalogueEntry>> = {
  'rabbitmq-client': {
    module: 'rabbitmq-client-consumer',
    settings: asGiven,
    scenarios: ['noop', 'payload', ...BY_THE_CLOCK],
    standard: [],
    share: SLOW_SHARE,
    about: "rabbitmq-client's Consumer, an ack a message as it does by itself",
    guarantee: LIBRARY,
  },
  'rabbitmq-client-insert-one': {
    module: 'rabbitmq-client-consumer',
    settings: asGiven,
    scenarios: ['mongo'],
    standard: [],
    share: INSERT_ONE_SHARE,
    about:
      "rabbitmq-client's Consumer, one insertOne a message, then its ack; as many at once as the driver's pool allows",
    guarantee: LIBRARY,
  },
  'rabbitmq-client-multi': {
    module: 'rabbitmq-client-channel',
    settings: asGiven,
    scenarios: ['noop', 'payload'],
    standard: [],
    share: SLOW_SHARE,
    about: "rabbitmq-client's Channel, one ack for all that a turn of the event loop has handled",
    guarantee: LIBRARY,
  },
  'amqplib-multi': {
    module: 'amqplib-consumer',
    settings: asGiven,
    scenarios: ['noop', 'payload', ...BY_THE_CLOCK],
    standard: [],
    about: 'amqplib, one ack for all that a turn of the event loop has handled',
    guarantee: LIBRARY,
  },
  'amqplib-insert-one': {
    module: 'amqplib-insert-one',
    settings: asGiven,
    scenarios: ['mongo'],
    standard: [],
    share: INSERT_ONE_SHARE,
    about:
      "what people write first: amqplib, one insertOne a message, then its ack; as many at once as the driver's pool allows",
    guarantee: LIBRARY,
  },
};
