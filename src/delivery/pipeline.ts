import type { Broker, Publisher } from '../broker/broker.ts';
import type { RuntimeError } from '../errors/runtime-error.ts';
import type { Executor } from '../executor/executor.ts';
import type { Store } from '../store/store.ts';
import type { Service } from '../support/service.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { DeliveryCounters } from './delivery-counters.ts';
import type { DeliveryOptions } from './delivery-options.ts';

/** What a pipeline works with; all started by the composition root before it, stopped after it. */
export interface PipelineParts {
  readonly broker: Broker;
  readonly executor: Executor;
  readonly publisher: Publisher;
  readonly store: Store | undefined;
  readonly logger: Logger;
  /** Called once when the pipeline cannot go on, e.g. threads die as fast as they are replaced. */
  readonly fatal: (error: RuntimeError) => void;
}

export interface Pipeline extends Service {
  /**
   * Cancels the consumers, gives back what was not begun, lets what was begun finish, acks all that finished.
   * Resolves when nothing is held any more or `deadlineMs` has passed; with the number of messages cut off.
   */
  drain(deadlineMs: number): Promise<number>;
  counters(): DeliveryCounters;
}

export declare function createPipeline(parts: PipelineParts, options: DeliveryOptions): Pipeline;
