import { RuntimeError } from '../errors/runtime-error.ts';
import { isTaskDefinition, type TaskDefinition } from './define-task.ts';

/** The tasks of one module, by name. */
export type TaskRegistry = ReadonlyMap<string, TaskDefinition>;

/**
 * Collects the tasks that a module exports, under any name, `default` included; an exported array or plain object
 * of tasks counts too, one level deep.
 *
 * Throws E_TASK_MODULE_EMPTY, naming what the module does export, or E_TASK_DUPLICATE, naming both exports.
 * @param module - the module's namespace object
 * @param source - its path, for messages
 */
export function collectTasks(module: Readonly<Record<string, unknown>>, source: string): TaskRegistry {
  const found = new Map<string, { definition: TaskDefinition; from: string }>();
  for (const [exported, value] of Object.entries(module)) {
    for (const [from, definition] of tasksIn(exported, value)) {
      const earlier = found.get(definition.name);
      // The same object exported twice (by name and as default) is one task.
      if (earlier !== undefined && earlier.definition !== definition) {
        throw new RuntimeError(
          'E_TASK_DUPLICATE',
          `${source}: the exports "${earlier.from}" and "${from}" both define the task "${definition.name}"; give one of them another name`,
          { details: { task: definition.name, exports: [earlier.from, from] } },
        );
      }
      if (earlier === undefined) found.set(definition.name, { definition, from });
    }
  }
  if (found.size === 0) throw emptyModule(Object.keys(module), source);
  return new Map([...found].map(([name, { definition }]) => [name, definition]));
}

function* tasksIn(exported: string, value: unknown): Iterable<[from: string, definition: TaskDefinition]> {
  if (isTaskDefinition(value)) {
    yield [exported, value];
  } else if (Array.isArray(value) || isPlainObject(value)) {
    for (const [key, inner] of Object.entries(value)) if (isTaskDefinition(inner)) yield [`${exported}.${key}`, inner];
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function emptyModule(exported: readonly string[], source: string): RuntimeError {
  const what =
    exported.length === 0
      ? 'exports nothing'
      : `exports ${exported.slice(0, 5).join(', ')}${exported.length > 5 ? ', …' : ''}, but no task`;
  return new RuntimeError(
    'E_TASK_MODULE_EMPTY',
    `${source} ${what}; export at least one: export const myTask = defineTask('my-task', (payload) => …)`,
    { details: { exports: exported } },
  );
}
