import type { Broker } from '../broker/broker.ts';
import { MemoryBroker } from '../broker/memory/memory-broker.ts';
import { createMemoryVirtualHost } from '../broker/memory/memory-virtual-host.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';

/** What can be asked of the documents of an embedded store. */
export interface EmbeddedStore extends Store {
  count(collection: string): number;
  find(collection: string, id: unknown): Record<string, unknown> | undefined;
  ids(collection: string): IterableIterator<string>;
}

/** A broker and a store inside this process: no server, nothing to install, and nothing survives the process. */
export interface Embedded {
  /** Another connection to the same queues: one for the runtime, one for each client. */
  connect(): Broker;
  readonly store: EmbeddedStore;
}

/** For demos, tests and first tries. The semantics are those of RabbitMQ and MongoDB; the contract tests say which. */
export function createEmbedded(): Embedded {
  const virtualHost = createMemoryVirtualHost();
  return { connect: () => new MemoryBroker(virtualHost), store: new MemoryStore() };
}
