import type { AnyBulkWriteOperation } from 'mongodb';
import type { OnceTask, StoreOperation } from '../store.ts';

/** The writes of a transaction that go to one collection; the two arrays run in step. */
export interface CollectionWrites {
  readonly collection: string;
  readonly models: AnyBulkWriteOperation[];
  readonly origins: WriteOrigin[];
}

/** Whose write it is. */
export interface WriteOrigin {
  readonly task: OnceTask;
  readonly operation: StoreOperation;
}

/**
 * Puts the writes of many tasks into an order that takes few commands, because one command holds only inserts, only
 * updates or only deletes. Each task's own order stays; tasks owe each other none, for they could have run at any time:
 *
 *     task 0   insert a  update b ─┐
 *     task 1   insert c  update d ─┼─▶ insert a, insert c │ update b, update d, update e      2 commands instead of 5
 *     task 2   update e           ─┘
 *
 * Replacing is a kind of update. Each collection is arranged by itself: a transaction shows all of them at once.
 */
export function arrangeWrites(tasks: readonly OnceTask[]): CollectionWrites[] {
  const queues = new Map<string, WriteOrigin[][]>();
  for (const task of tasks) {
    const own = new Map<string, WriteOrigin[]>();
    for (const operation of task.operations) {
      const origin = { task, operation };
      const writes = own.get(operation.collection);
      if (writes === undefined) own.set(operation.collection, [origin]);
      else writes.push(origin);
    }
    for (const [collection, writes] of own) {
      const queue = queues.get(collection);
      if (queue === undefined) queues.set(collection, [writes]);
      else queue.push(writes);
    }
  }
  return [...queues].map(([collection, queue]) => {
    const origins = interleave(queue);
    return { collection, origins, models: origins.map(({ operation }) => modelOf(operation)) };
  });
}

type Command = 'insert' | 'update' | 'delete';
const COMMANDS: readonly Command[] = ['insert', 'update', 'delete'];

function interleave(queue: readonly (readonly WriteOrigin[])[]): WriteOrigin[] {
  const taken = new Uint32Array(queue.length);
  const origins: WriteOrigin[] = [];
  const total = queue.reduce((sum, writes) => sum + writes.length, 0);
  for (let round = 0; origins.length < total; round++) {
    const command = COMMANDS[round % COMMANDS.length];
    queue.forEach((writes, nth) => {
      let next = taken[nth] as number;
      for (; next < writes.length; next++) {
        const origin = writes[next] as WriteOrigin;
        if (commandOf(origin.operation) !== command) break;
        origins.push(origin);
      }
      taken[nth] = next;
    });
  }
  return origins;
}

function commandOf({ kind }: StoreOperation): Command {
  return kind === 'replace' ? 'update' : kind;
}

function modelOf(operation: StoreOperation): AnyBulkWriteOperation {
  switch (operation.kind) {
    case 'insert':
      return { insertOne: { document: operation.document as { _id: never } } };
    case 'update': {
      const { filter, update, upsert } = operation;
      return { updateOne: { filter, update, upsert } };
    }
    case 'replace': {
      const { filter, document, upsert } = operation;
      return { replaceOne: { filter, replacement: document, upsert } };
    }
    default:
      return { deleteOne: { filter: operation.filter } };
  }
}
