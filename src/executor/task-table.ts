import type { BatchReader } from '../batch/batch-reader.ts';
import type { TaskDefinition } from '../task/define-task.ts';
import type { TaskRegistry } from '../task/task-registry.ts';
import { ConcurrencyGate } from './concurrency-gate.ts';
import type { TaskDescription } from './executor.ts';

/** A task of this thread: its definition and the gate that all its batches share. */
export interface TaskEntry {
  readonly definition: TaskDefinition;
  readonly nameBytes: Uint8Array;
  readonly gate: ConcurrencyGate;
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

  constructor(registry: TaskRegistry) {
    for (const definition of registry.values()) {
      const entry = {
        definition,
        nameBytes: Buffer.from(definition.name),
        gate: new ConcurrencyGate(definition.concurrency),
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
    return [...this.#byName.values()].map(({ definition }) => ({
      name: definition.name,
      kind: definition.kind,
      concurrency: definition.concurrency,
      queue: definition.queue,
    }));
  }
}
