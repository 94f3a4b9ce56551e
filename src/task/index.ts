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
export { type Effect, type EffectDocument, InsertEffect, insertOne, isEffect } from './effect.ts';
export { type FailedOutcome, failed, type Outcome, type SucceededOutcome, succeeded } from './outcome.ts';
export { BatchTaskContext, TaskContext, type TaskLogger } from './task-context.ts';
