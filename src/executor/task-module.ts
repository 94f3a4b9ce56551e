import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isRuntimeError, RuntimeError } from '../errors/runtime-error.ts';
import { importModule } from '../support/import-module.ts';
import { collectTasks, type TaskRegistry } from '../task/task-registry.ts';

/** The URL of a task module that was given as a URL or as a path, which is relative to the working directory. */
export function taskModuleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  return /^[a-z][a-z+.-]+:/i.test(module) ? module : pathToFileURL(resolve(module)).href;
}

/** Throws E_TASK_MODULE_LOAD, E_TASK_MODULE_EMPTY or E_TASK_DUPLICATE, each naming the module's path. */
export async function importTasks(url: string): Promise<TaskRegistry> {
  let namespace: Readonly<Record<string, unknown>>;
  try {
    namespace = await importModule(url);
  } catch (thrown) {
    throw moduleError(url, thrown);
  }
  return collectTasks(namespace, shownPath(url));
}

/** Why the module could not be loaded, in one line with its path. */
export function moduleError(url: string, thrown: unknown): RuntimeError {
  const path = shownPath(url);
  const code = codeOf(thrown);
  const cause =
    thrown instanceof Error
      ? `${isRuntimeError(thrown) ? thrown.code : thrown.name}: ${firstLine(thrown.message)}`
      : String(thrown);
  return new RuntimeError('E_TASK_MODULE_LOAD', `the task module ${path} cannot be loaded: ${cause}${hint(code)}`, {
    cause: thrown,
    details: { path },
  });
}

function hint(code: string | undefined): string {
  if (code !== 'ERR_UNKNOWN_FILE_EXTENSION') return '';
  return ' (compile it to JavaScript, or start Node with a loader, e.g. --import tsx)';
}

function shownPath(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function codeOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
