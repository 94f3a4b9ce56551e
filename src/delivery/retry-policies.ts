import type { TaskDescription } from '../executor/executor.ts';
import { type RetryPolicy, resolveRetry } from '../task/retry-policy.ts';
import type { QueueOptions } from './delivery-options.ts';

/** What the tasks' definitions say about their ends: a task's own retry settings go over its queue's. */
export class RetryPolicies {
  readonly #tasks: ReadonlyMap<string, TaskDescription>;
  readonly #resolved = new Map<string, RetryPolicy>();

  constructor(tasks: readonly TaskDescription[]) {
    this.#tasks = new Map(tasks.map((task) => [task.name, task]));
  }

  /** @param task - as the message names it; undefined or unknown: the queue's policy */
  policyFor(queue: QueueOptions, task: string | undefined): RetryPolicy {
    const settings = task === undefined ? undefined : this.#tasks.get(task)?.retry;
    if (settings === undefined) return queue.retry;
    const key = `${queue.name}\n${task}`;
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const policy = resolveRetry(settings, queue.retry);
    this.#resolved.set(key, policy);
    return policy;
  }

  /** Where the task's messages go that were too old to be started; undefined: the dead letters. */
  expiredQueue(task: string | undefined): string | undefined {
    return task === undefined ? undefined : this.#tasks.get(task)?.expiredQueue;
  }
}
