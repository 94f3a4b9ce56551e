/** The catalogue's entries of what is physically there: limits, and readers that do the least. */
import { asGiven, BY_THE_CLOCK, type CatalogueEntry } from './entry.ts';

const PROTOTYPE = 'ack once handled and inserted; no recovery from any error';
const BARE = 'ack once handled and inserted; no recovery, no threads';

export const REFERENCES: Readonly<Record<string, CatalogueEntry>> = {
  prototype: {
    module: 'prototype/pipeline',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'live'],
    standard: [],
    about: 'the measuring program that the design rests on, same settings as millrace',
    guarantee: PROTOTYPE,
  },
  'bare-reader': {
    module: 'bare-reader',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'live', 'payload', ...BY_THE_CLOCK],
    standard: ['live'],
    about: 'a frame parser in one thread, acks once a socket read; with insertMany in mongo',
    guarantee: BARE,
  },
  'bare-each-ack': {
    module: 'bare-reader',
    settings: (given) => ({ ...asGiven(given), batch: 1 }),
    scenarios: BY_THE_CLOCK,
    standard: BY_THE_CLOCK,
    about: 'the bare reader that acks each message as it is handled',
    guarantee: BARE,
  },
  'c-reader': {
    module: 'c-reader',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'payload'],
    writes: false,
    standard: [],
    needs: 'librabbitmq',
    about:
      'the plain limit: C and librabbitmq in one thread, acks a batch or what has arrived, does nothing else; writes nothing in mongo either',
    guarantee: 'ack once read; no recovery, no threads',
  },
  'insert-many': {
    module: 'insert-many',
    settings: asGiven,
    scenarios: ['mongo'],
    standard: [],
    withoutQueue: true,
    about:
      "the database's limit: the same documents with insertMany of --batch, two connections and majority writes as millrace has them, no queue",
    guarantee: 'inserts once; none for messages, there are none',
  },
  'bare-threads': {
    module: 'bare-threads',
    settings: asGiven,
    scenarios: ['cpu'],
    standard: ['cpu'],
    withoutQueue: true,
    about: 'the limit: the same hashing in a loop, in as many threads, with no queue',
    guarantee: 'none',
  },
  'bare-reader-mongo': {
    module: 'bare-reader',
    settings: asGiven,
    scenarios: ['live'],
    writes: true,
    standard: ['live'],
    about: 'the bare reader and insertMany, a document a message',
    guarantee: BARE,
  },
};
