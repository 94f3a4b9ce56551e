import type { BrokerHealth } from '../broker/broker.ts';
import type { DeliveryCounters } from '../delivery/delivery-counters.ts';
import type { StoreHealth } from '../store/store.ts';
import type { RuntimeState } from './runtime-state.ts';

/** How well a runtime does. `ok`: consuming · `degraded`: something is away or ending, and it is being dealt with · `failed`: it will not recover. */
export type Health = 'ok' | 'degraded' | 'failed';

export interface ThreadHealth {
  /** As many as the options ask for. */
  readonly configured: number;
  /** Running now, stuck ones included. */
  readonly alive: number;
  /** Told to end and held by native code in a task: only the end of the process frees them. */
  readonly stuck: number;
  /** Ended since the start, neither by a stop nor to be recycled. Each was replaced. */
  readonly deaths: number;
  /** Why the last one ended. */
  readonly lastExit: string | undefined;
}

/** What `runtime.status()` answers: plain data, to be shown or served as it is. */
export interface RuntimeStatus {
  readonly state: RuntimeState;
  readonly health: Health;
  /** What is wrong, a sentence each; empty when `health` is `ok`. */
  readonly problems: readonly string[];
  readonly broker: BrokerHealth;
  /** Undefined where the runtime works without a store. */
  readonly store: StoreHealth | undefined;
  readonly threads: ThreadHealth;
  readonly queues: readonly string[];
  /** Unix ms; undefined before the first delivery. */
  readonly lastDeliveryAt: number | undefined;
  /** Why nothing is consumed at the moment; undefined while it flows. */
  readonly paused: string | undefined;
  /** Why it failed. */
  readonly failure: { readonly code: string; readonly message: string } | undefined;
}

export interface HealthInputs {
  readonly state: RuntimeState;
  readonly broker: BrokerHealth;
  readonly store: StoreHealth | undefined;
  readonly threads: ThreadHealth;
  readonly counters: DeliveryCounters | undefined;
  readonly failure: { readonly code: string; readonly message: string } | undefined;
}

/** Judges the parts together. Pure: the same inputs give the same answer. */
export function judgeHealth(inputs: HealthInputs): { readonly health: Health; readonly problems: readonly string[] } {
  const problems = [...findProblems(inputs)];
  if (inputs.state === 'failed' || inputs.threads.stuck > 0) return { health: 'failed', problems };
  return { health: problems.length === 0 ? 'ok' : 'degraded', problems };
}

function* findProblems({ state, broker, store, threads, counters, failure }: HealthInputs): Generator<string> {
  if (failure !== undefined) yield `${failure.code}: ${failure.message}`;
  if (state !== 'running' && state !== 'failed') yield `the runtime is ${state}`;
  if (state !== 'running') return;
  if (broker.state !== 'connected') yield `the broker is ${broker.state}${because(broker.reason)}`;
  else for (const { queue, reason } of counters?.interrupted ?? []) yield `queue '${queue}' has no consumer: ${reason}`;
  if (store !== undefined && store.state !== 'connected') yield `the store is ${store.state}${because(store.reason)}`;
  if (threads.alive < threads.configured)
    yield `${threads.alive} of ${threads.configured} threads run${because(threads.lastExit)}`;
  if (threads.stuck > 0) yield `${threads.stuck} of ${threads.configured} threads do not end: end the process`;
  if (counters?.paused !== undefined) yield `nothing is consumed: ${counters.paused}`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}
