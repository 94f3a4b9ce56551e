/** The catalogue's entries of the publish scenario. */
import type { CatalogueEntry } from './entry.ts';

const CONFIRMED = 'persistent; each message confirmed by the broker';
const RETURNED = `${CONFIRMED}; what no queue takes comes back`;
const BOUND = `${RETURNED}; no recovery, encodes nothing`;

/** What sends is measured, not what takes: no consumer runs. */
const entry: Pick<CatalogueEntry, 'settings' | 'scenarios' | 'writes' | 'guarantee'> = {
  settings: () => ({ prefetch: 'auto', batch: 'auto', threads: 1, concurrency: undefined }),
  scenarios: ['publish'],
  writes: false,
  guarantee: CONFIRMED,
};

export const PUBLISHERS: Readonly<Record<string, CatalogueEntry>> = {
  'millrace-send': {
    ...entry,
    module: 'publish/millrace-send',
    standard: ['publish'],
    baselines: [
      'millrace-send-before',
      'rabbitmq-client-publisher',
      'amqplib-publisher',
      'bare-publisher',
      'c-publisher',
    ],
    about: "sendMany of millrace's client with --window, ids made by it",
    guarantee: `${RETURNED}; rejects with the list of those that were not`,
  },
  'millrace-send-before': {
    ...entry,
    module: 'publish/millrace-send-before',
    standard: [],
    about: 'the same as it is built in the checkout that --before names',
  },
  'rabbitmq-client-publisher': {
    ...entry,
    module: 'publish/rabbitmq-client-publisher',
    standard: ['publish'],
    about: "rabbitmq-client's publisher with confirms, --window sends awaited at once",
  },
  'amqplib-publisher': {
    ...entry,
    module: 'publish/amqplib-publisher',
    standard: ['publish'],
    about: "amqplib's confirm channel, a callback for each confirm, --window of them open at once; no reconnect",
  },
  'bare-publisher': {
    ...entry,
    module: 'publish/bare-publisher',
    standard: ['publish'],
    about: "the broker's bound from Node: preformed blocks with only the ids written into them, 250 messages a write",
    guarantee: BOUND,
  },
  'c-publisher': {
    ...entry,
    module: 'publish/c-publisher',
    standard: [],
    needs: 'librabbitmq',
    about: "the broker's bound from C: the same blocks, ids made in C, 250 messages a write",
    guarantee: BOUND,
  },
};
