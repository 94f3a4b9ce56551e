/** The task module of the millrace contenders: what a user would write, plus the counting that every contender does. */
import { getEnvironmentData } from 'node:worker_threads';
import type { SingleTaskDefinition } from '../../src/task/index.ts';
import { failsFirst } from '../harness/failing-tasks.ts';
import { openHandledLedger } from '../harness/handled-ledger.ts';
import { hashTimes } from '../harness/hash-work.ts';
import { isLongSignature } from '../harness/long-tasks.ts';
import { type Signature, TASK_NAME } from '../harness/message-source.ts';
import { millraceTask } from './built-task-package.ts';
import type { ContenderJob } from './contender.ts';

const { defineTask, insertOne } = millraceTask;
/** Soon enough that a round does not end with waiting. */
const RETRY = { attempts: 3, backoff: 'fixed', delay: '100ms', jitter: 'none' } as const;
const job = getEnvironmentData('millrace.bench.job') as unknown as ContenderJob;
const count = openHandledLedger();

function noop(signature: Signature): void {
  count(signature);
}

function hash(iterations: number, longIterations = iterations): (signature: Signature) => void {
  let nth = 0;
  return (signature) => {
    count(signature);
    hashTimes(isLongSignature(signature) ? longIterations : iterations, nth++);
  };
}

function insert(collection: string): (signature: Signature) => unknown {
  return (signature) => {
    count(signature);
    return insertOne(collection, { at: new Date(), args: signature.Args });
  };
}

const { concurrency, fails, iterations, longIterations, store } = job;
const compute = iterations === undefined ? noop : hash(iterations, longIterations);
const handler = store === undefined ? compute : insert(store.collection);

/** Before it is counted: a message counts when it succeeds. */
const failing = (signature: Signature, { attempt }: { readonly attempt: number }): unknown => {
  if (attempt === 1 && failsFirst(signature)) throw new Error('the first attempt fails');
  return handler(signature);
};

/** With a concurrency the handler is async, because only such tasks can overlap in one thread. */
export const record: SingleTaskDefinition<Signature> =
  concurrency === undefined
    ? defineTask<Signature>(TASK_NAME, { retry: RETRY }, fails ? failing : handler)
    : defineTask<Signature>(TASK_NAME, { concurrency }, async (signature) => handler(signature));
