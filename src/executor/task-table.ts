import type { BatchReader } from '../batch/batch-reader.ts';
import type { TaskDefinition } from '../task/define-task.ts';
import type { TaskRegistry } from '../task/task-registry.ts';
import { ConcurrencyGate } from './concurrency-gate.ts';
import type { TaskDescription } from './executor.ts';
import { TimeoutWatch } from './timeout-watch.ts';

/** How long a call may take, and how long it then has to end by itself. */
export interface TaskTimeouts {
  readonly taskMs: number;
  readonly graceMs: number;
}

/** A task of this thread: its definition, and what all its batches share. */
export interface TaskEntry {
  readonly definition: TaskDefinition;
  readonly nameBytes: Uint8Array;
  readonly gate: ConcurrencyGate;
  /** Knows the timeout, and tells async calls when it has come. */
  readonly watch: TimeoutWatch;
  /** A call's thread is ended so many ms after it began: timeout and grace. */
  readonly lastMs: number;
}

const KNOWN_NAMES_SHOWN = 5;

/**
 * The tasks of one thread, found by the bytes of a message's `type`, so that no string is made for the lookup.
 * The last one found is tried first: most batches hold one kind of task.
 */
export class TaskTable {
  readonly #byName = new Map<string, TaskEntry>();
  readonly #byLength: TaskEntry[][] = [];
  #last: TaskEntry | undefined;

  /** @param timeouts - for tasks whose definition says nothing of it */
  constructor(registry: TaskRegistry, timeouts: TaskTimeouts) {
    for (const definition of registry.values()) {
      const timeoutMs = definition.timeoutMs ?? timeouts.taskMs;
      const entry = {
        definition,
        nameBytes: Buffer.from(definition.name),
        gate: new ConcurrencyGate(definition.concurrency),
        watch: new TimeoutWatch(timeoutMs),
        lastMs: timeoutMs + (definition.graceMs ?? timeouts.graceMs),
      };
      this.#byName.set(definition.name, entry);
      (this.#byLength[entry.nameBytes.length] ??= []).push(entry);
    }
  }

  byName(name: string): TaskEntry | undefined {
    return this.#byName.get(name);
  }

  /** The task that the reader's current message names; undefined when it names none or one that is not here. */
  find(reader: BatchReader): TaskEntry | undefined {
    const { typeStart, typeEnd } = reader;
    if (this.#last !== undefined && reader.equals(typeStart, typeEnd, this.#last.nameBytes)) return this.#last;
    for (const entry of this.#byLength[typeEnd - typeStart] ?? []) {
      if (reader.equals(typeStart, typeEnd, entry.nameBytes)) {
        this.#last = entry;
        return entry;
      }
    }
    return undefined;
  }

  /** A few of the names, for a message. */
  knownNames(): string {
    const names = [...this.#byName.keys()];
    const shown = names.slice(0, KNOWN_NAMES_SHOWN).join(', ');
    return names.length > KNOWN_NAMES_SHOWN ? `${shown} and ${names.length - KNOWN_NAMES_SHOWN} more` : shown;
  }

  describe(): TaskDescription[] {
    return [...this.#byName.values()].map(({ definition, lastMs }) => ({
      name: definition.name,
      kind: definition.kind,
      concurrency: definition.concurrency,
      queue: definition.queue,
      retry: definition.retry,
      timeoutMs: lastMs,
      expiredQueue: definition.expiredQueue,
    }));
  }
}
