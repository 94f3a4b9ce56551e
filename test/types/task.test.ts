/**
 * What the compiler lets a task module say. `tsc -p tsconfig.json` is the test: a line marked with @ts-expect-error that
 * compiles is an error. Nothing here runs.
 */
import { test } from 'node:test';
import {
  type Backoff,
  type BatchTaskContext,
  type DiscardedOutcome,
  type Duration,
  defineBatchTask,
  defineTask,
  discard,
  type FailedOutcome,
  type Jitter,
  type RetrySettings,
  retryLater,
  type SnoozedOutcome,
  snooze,
  type TaskContext,
} from '../../src/task/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <T extends true>(): T | undefined => undefined;

export function options(): void {
  const backoff: Backoff = 'fibonacci';
  const jitter: Jitter = 'full';
  const delay: Duration = '1.5h';
  const retry: RetrySettings = { attempts: 5, backoff, delay, maxDelay: 90_000, jitter, never: ['E_MINE'] };
  const task = defineTask(
    'task',
    { timeout: '20s', grace: 0, retry, startWithin: '1h', expiredQueue: 'late' },
    () => {},
  );
  same<Equal<typeof task.timeoutMs, number | undefined>>();
  same<Equal<typeof task.retry, RetrySettings | undefined>>();
  defineBatchTask('batch', { timeout: 20_000, retry: {}, startWithin: 60_000 }, () => {});

  // @ts-expect-error a length of time without its unit is a number of ms
  defineTask('task', { timeout: '20' }, () => {});
  // @ts-expect-error there are no days
  defineTask('task', { startWithin: '1d' }, () => {});
  // @ts-expect-error a backoff that does not exist
  defineTask('task', { retry: { backoff: 'quadratic' } }, () => {});
  // @ts-expect-error a misspelt setting
  defineTask('task', { retry: { atempts: 3 } }, () => {});
  // @ts-expect-error attempts are counted, not switched
  defineTask('task', { retry: true }, () => {});
  // @ts-expect-error a batch task runs alone
  defineBatchTask('batch', { concurrency: 2 }, () => {});
}

export function outcomes(): void {
  same<Equal<ReturnType<typeof retryLater>, FailedOutcome>>();
  same<Equal<ReturnType<typeof snooze>, SnoozedOutcome>>();
  same<Equal<ReturnType<typeof discard>, DiscardedOutcome>>();
  defineTask('task', (n: number) => (n > 0 ? retryLater('5s', 'busy') : snooze(500)));
  defineBatchTask('batch', (rows: number[]) => rows.map((n) => (n > 0 ? discard('old') : undefined)));

  // @ts-expect-error a discard needs a reason
  discard();
  // @ts-expect-error a moment is no length of time
  snooze(new Date());
}

export function contexts(single: TaskContext, batch: BatchTaskContext): void {
  same<Equal<typeof single.deadline, number>>();
  same<Equal<typeof batch.deadline, number>>();
  same<Equal<typeof batch.signal, AbortSignal>>();
  // @ts-expect-error it is given, not set
  single.deadline = 1;
}

test('the types of task modules are checked by the compiler', () => {});
