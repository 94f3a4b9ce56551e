/**
 * The effects of tasks that update, replace or delete: unlike an insert, whose id makes writing again harmless, doing one
 * of those twice does it twice. So the store applies all effects of such a task together with a mark of its id
 * (store.ts, `applyOnce`), and a task whose mark is there is left alone. The mark is `<task name>:<task id>`, because one
 * message may go to two queues, to two tasks.
 */
import { toWireError } from '../errors/wire-error.ts';
import type { Effect } from '../task/effect.ts';
import { type EffectVerdicts, refusal, storeError } from './effect-verdicts.ts';
import type { CollectedEffect } from './effect-writer.ts';
import type { OnceProblem, OnceTask, StoreOperation, StoreWriter } from './store.ts';
import { fieldsOf, givenId, lacksId, withId } from './stored-fields.ts';

/** True where at least one effect would be done twice if it were just done again. */
export function isGuarded(effects: readonly Effect[]): boolean {
  for (let nth = 0; nth < effects.length; nth++) {
    const kind = (effects[nth] as Effect).kind;
    if (kind === 'update' || kind === 'replace' || kind === 'delete') return true;
  }
  return false;
}

/** Applies the effects of all tasks, each task's in its order, all of them or none. Never rejects. */
export async function applyGuarded(
  writer: StoreWriter,
  tasks: readonly CollectedEffect[],
  verdicts: EffectVerdicts,
): Promise<void> {
  const owners: number[] = [];
  const once: OnceTask[] = [];
  for (const { index, task, taskId, effects } of tasks) {
    const operations = operationsOf(index, taskId, effects, verdicts);
    if (operations === undefined) continue;
    owners.push(index);
    once.push({ id: `${task}:${taskId}`, operations });
  }
  if (once.length === 0) return;
  try {
    judge(await writer.applyOnce(once), owners, verdicts);
  } catch (thrown) {
    const error = toWireError(thrown, 'E_STORE_UNKNOWN');
    for (const owner of owners) verdicts.leaveUnknown(owner, error);
  }
}

/** Undefined, with a verdict, where one of them holds no document: then nothing of the task may be applied. */
function operationsOf(
  index: number,
  taskId: string,
  effects: readonly Effect[],
  verdicts: EffectVerdicts,
): StoreOperation[] | undefined {
  const operations: StoreOperation[] = [];
  for (let nth = 0; nth < effects.length; nth++) {
    const effect = effects[nth] as Effect;
    try {
      operations.push(operationOf(effect, givenId(taskId, nth)));
    } catch (thrown) {
      verdicts.fail(index, refusal(effect.collection, toWireError(thrown, 'E_STORE_REFUSED').message));
      return undefined;
    }
  }
  return operations;
}

function operationOf(effect: Effect, id: string): StoreOperation {
  const { collection } = effect;
  switch (effect.kind) {
    case 'update': {
      const { filter, update, upsert } = effect;
      return { kind: 'update', collection, filter, update, upsert };
    }
    case 'replace': {
      const { filter, upsert } = effect;
      const { _id, ...fields } = fieldsOf(effect.document);
      const document = _id === undefined || _id === null ? fields : { _id, ...fields };
      return { kind: 'replace', collection, filter, document, upsert };
    }
    case 'delete':
      return { kind: 'delete', collection, filter: effect.filter };
    default: {
      const fields = fieldsOf(effect.document);
      const ifAbsent = lacksId(fields);
      const document = withId(fields, ifAbsent ? id : fields['_id']);
      return { kind: 'insert', collection, document, ifAbsent };
    }
  }
}

function judge(problems: readonly OnceProblem[], owners: readonly number[], verdicts: EffectVerdicts): void {
  const stray = problems.find(({ index }) => owners[index] === undefined);
  if (stray !== undefined) throw new RangeError(`the store names task ${stray.index} of ${owners.length}`);
  for (const { index, kind, message } of problems) {
    const owner = owners[index] as number;
    const { code, what } = PROBLEM[kind];
    const error = storeError(code, `${what}: ${message}`);
    if (kind === 'unknown' || kind === 'contended') verdicts.leaveUnknown(owner, error);
    else verdicts.fail(owner, error);
  }
}

const PROBLEM = {
  conflict: {
    code: 'E_STORE_CONFLICT',
    what: "nothing of the task was stored, for a unique index has one of its documents' values already",
  },
  refused: {
    code: 'E_STORE_REFUSED',
    what: 'nothing of the task was stored, for the store refuses one of its effects',
  },
  unsupported: { code: 'E_STORE_UNSUPPORTED', what: 'a task that updates, replaces or deletes needs transactions' },
  contended: { code: 'E_STORE_CONTENDED', what: 'another transaction holds a document that the task wants to change' },
  unknown: { code: 'E_STORE_UNKNOWN', what: 'the task was not applied in time with the others of its batch' },
} as const;
