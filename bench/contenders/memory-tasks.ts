/** The task module of `npm run memory`: a task that does nothing, and in each thread somebody who says how much memory it has. */
import { BroadcastChannel, threadId } from 'node:worker_threads';
import type { SingleTaskDefinition } from '../../src/task/index.ts';
import { type Signature, TASK_NAME } from '../harness/message-source.ts';
import { heldBytes, MEMORY_CHANNEL, type MemoryQuestion, type ThreadMemory } from '../harness/thread-memory.ts';
import { millraceTask } from './built-task-package.ts';

const channel = new BroadcastChannel(MEMORY_CHANNEL);
channel.onmessage = (event) => {
  const { kind } = (event as { data: MemoryQuestion | ThreadMemory }).data;
  if (kind !== 'question') return;
  const answer: ThreadMemory = { kind: 'answer', name: `thread ${threadId}`, bytes: heldBytes() };
  channel.postMessage(answer);
};
channel.unref();

export const record: SingleTaskDefinition<Signature> = millraceTask.defineTask<Signature>(TASK_NAME, () => {});
