import type { BatchReader } from '../batch/batch-reader.ts';
import { type Failure, failure } from './failure.ts';
import type { TaskEntry, TaskTable } from './task-table.ts';

/** Where a message came from, as far as it matters for which task it is. */
export interface TaskOrigin {
  readonly queue: string;
  readonly defaultTask: string | undefined;
}

/** The task of the reader's current message, or why there is none. */
export function pickTask(reader: BatchReader, tasks: TaskTable, origin: TaskOrigin): TaskEntry | Failure {
  if (reader.problem !== undefined) {
    return failure('E_MESSAGE_MALFORMED', `the message properties cannot be read: ${reader.problem}`);
  }
  const { defaultTask } = origin;
  const entry = !reader.hasType && defaultTask !== undefined ? tasks.byName(defaultTask) : tasks.find(reader);
  return entry ?? unknownTask(reader, tasks, origin);
}

function unknownTask(reader: BatchReader, tasks: TaskTable, { queue, defaultTask }: TaskOrigin): Failure {
  const known = `this worker has ${tasks.knownNames()}`;
  if (reader.hasType) return failure('E_TASK_UNKNOWN', `no task is called "${reader.type()}"; ${known}`);
  if (defaultTask !== undefined) {
    return failure('E_TASK_UNKNOWN', `no task is called "${defaultTask}", the default of queue "${queue}"; ${known}`);
  }
  return failure(
    'E_TASK_UNKNOWN',
    `the message names no task: it has no type property, and queue "${queue}" has no default task; ${known}`,
  );
}
