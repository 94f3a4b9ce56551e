/// <reference types="node" preserve="true" />
/** The entry point `millrace/task`: all that a task module needs. Light: it loads no library. */
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
export { type FailedOutcome, failed, type Outcome, type SucceededOutcome, succeeded } from './outcome.ts';
export { BatchTaskContext, TaskContext, type TaskLogger } from './task-context.ts';
