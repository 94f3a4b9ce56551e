import { randomBytes } from 'node:crypto';
import { deadQueueName } from '../../broker/topology.ts';
import type { RuntimeOptions } from '../../config/options.ts';
import { createEmbedded } from '../../runtime/embedded.ts';
import { type TakenMessage, takeMessages } from '../../runtime/take-messages.ts';

/** Where a demo runs: the queue and the collection are its own, and are removed afterwards. */
export interface DemoServices {
  /** For people: `embedded`, or the servers by name. */
  readonly name: string;
  /** Name of the queue, and of the collection. */
  readonly queue: string;
  readonly runtimeOptions: Pick<RuntimeOptions, 'broker' | 'store'>;
  readonly clientBroker: NonNullable<RuntimeOptions['broker']>;
  /** Ids of all documents. */
  storedIds(): Promise<readonly string[]>;
  /** Ids of all dead letters, which are taken out of their queue. */
  deadIds(): Promise<readonly string[]>;
  /** Removes queue and collection. */
  remove(): Promise<void>;
  /** Lets go of them without removing. */
  close(): Promise<void>;
}

/** Broker and store in this process. */
export function embeddedServices(): DemoServices {
  const embedded = createEmbedded();
  const queue = 'calls';
  const inspection = embedded.connect();
  const clientBroker = embedded.connect();
  const runtimeBroker = embedded.connect();
  const close = async (): Promise<void> => {
    await Promise.all([inspection, clientBroker, runtimeBroker, embedded.store].map((service) => service.stop()));
  };
  return {
    name: 'broker and store embedded in this process',
    queue,
    runtimeOptions: { broker: runtimeBroker, store: embedded.store },
    clientBroker,
    storedIds: async () => [...embedded.store.ids(queue)],
    deadIds: async () => {
      await inspection.start();
      return idsOf(await takeMessages(inspection, deadQueueName(queue)));
    },
    remove: close,
    close,
  };
}

/** A name that no other run has. */
export function demoName(): string {
  return `millrace-demo-${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`;
}

export function idsOf(messages: readonly TakenMessage[]): readonly string[] {
  return messages.map(({ properties }) => properties.messageId ?? '(no id)');
}
