/// <reference types="node" preserve="true" />
/** The entry point `millrace/task`: all that a task module needs. Light: it loads no library. */
export type { Duration } from '../support/duration.ts';
export {
  type BatchTaskDefinition,
  type BatchTaskHandler,
  type BatchTaskOptions,
  defineBatchTask,
  defineTask,
  isTaskDefinition,
  type PayloadOf,
  type SingleTaskDefinition,
  type TaskDefinition,
  type TaskHandler,
  type TaskOptions,
} from './define-task.ts';
export {
  DeleteEffect,
  deleteOne,
  type Effect,
  type EffectDocument,
  type EffectFilter,
  type EffectUpdate,
  InsertEffect,
  insertOne,
  isEffect,
  ReplaceEffect,
  replaceOne,
  UpdateEffect,
  type UpsertOptions,
  updateOne,
} from './effect.ts';
export {
  type DiscardedOutcome,
  discard,
  type FailedOutcome,
  failed,
  type GivenOutcome,
  type Outcome,
  retryLater,
  type SnoozedOutcome,
  type SucceededOutcome,
  snooze,
  succeeded,
} from './outcome.ts';
export type { Backoff, Jitter, RetrySettings } from './retry-policy.ts';
export { BatchTaskContext, TaskContext, type TaskLogger } from './task-context.ts';
