import { RuntimeError } from '../errors/runtime-error.ts';
import { toWireError, type WireError } from '../errors/wire-error.ts';
import type { Effect, InsertEffect } from '../task/effect.ts';
import { type EffectProblem, EffectVerdicts, refusal, STORE_MISSING, storeError } from './effect-verdicts.ts';
import { applyGuarded, isGuarded } from './guarded-effects.ts';
import type { InsertProblem, StoreDocument, StoreWriter } from './store.ts';
import { fieldsOf, givenId, lacksId, withId } from './stored-fields.ts';

/** What one task of a batch wants written. */
export interface CollectedEffect {
  /** The task's position in its batch; each position at most once. */
  readonly index: number;
  /** The task's name. One message may go to two queues: its tasks have the same id. */
  readonly task: string;
  readonly taskId: string;
  readonly effects: readonly Effect[];
}

/** The documents of a batch that go to one collection; the three arrays run in step. */
interface Group {
  readonly collection: string;
  readonly documents: StoreDocument[];
  /** Whose document it is: the task's position in its batch. */
  readonly owners: number[];
  /** True where the runtime gave the id, so that "already there" means "already stored". */
  readonly idsGiven: boolean[];
}

/**
 * Writes the effects of a whole batch, all of this at once: one unordered insertMany a collection for the tasks that
 * only insert, one `applyOnce` for the others (guarded-effects.ts).
 *
 *     task 0  insertOne calls  ─┐            ┌─ calls   [0, 0:1, 2]  ─▶ insertMany
 *     task 0  insertOne calls  ─┼─ by name ──┤
 *     task 2  insertOne calls  ─┤            └─ faults  [1]          ─▶ insertMany
 *     task 1  insertOne faults ─┘
 *     task 3  insertOne calls, updateOne hours                       ─▶ applyOnce
 *
 * Every document without an id of its own gets one from the runtime: `<task id>` for a task's first effect, then
 * `<task id>:1`, `<task id>:2` …, counted over all of its effects. That makes writing again harmless: an id given here
 * that is already there was stored by an earlier run of the same task, so it counts as stored. An id that the task chose
 * proves nothing of the kind, nor does any other unique index: both are E_STORE_CONFLICT.
 *
 * Inserts alone are no transaction: where one is refused, its others may be stored. A task that has both a failed
 * and an unknown effect is `unknown`: it runs again, and the failure shows itself then.
 *
 * Stateless. Cost: a shallow copy of each document that needs an id (0.2 µs with ten fields), nothing per document else.
 */
export class EffectWriter {
  readonly #writer: StoreWriter | undefined;

  /** @param writer - undefined where the runtime has no store: every effect then fails with E_STORE_MISSING */
  constructor(writer: StoreWriter | undefined) {
    this.#writer = writer;
  }

  /** Resolves with at most one problem a task, by ascending index; tasks that are not named are stored. Never rejects. */
  async write(tasks: readonly CollectedEffect[]): Promise<readonly EffectProblem[]> {
    const writer = this.#writer;
    const verdicts = new EffectVerdicts();
    if (writer === undefined) {
      for (const task of tasks) if (task.effects.length > 0) verdicts.fail(task.index, STORE_MISSING);
      return verdicts.byIndex();
    }
    const guarded: CollectedEffect[] = [];
    const groups = groupByCollection(tasks, guarded, verdicts);
    const applying = guarded.length === 0 ? undefined : applyGuarded(writer, guarded, verdicts);
    const answers = await Promise.allSettled(groups.map((group) => insertGroup(writer, group)));
    await applying;
    answers.forEach((answer, nth) => judgeGroup(groups[nth] as Group, answer, verdicts)); // in this order, not as they came
    return verdicts.byIndex();
  }
}

/** The documents of all tasks that only insert; the other tasks are added to `guarded`. */
function groupByCollection(
  tasks: readonly CollectedEffect[],
  guarded: CollectedEffect[],
  verdicts: EffectVerdicts,
): Group[] {
  const groups = new Map<string, Group>();
  for (const task of tasks) {
    const { index, taskId, effects } = task;
    if (isGuarded(effects)) {
      guarded.push(task);
      continue;
    }
    for (let nth = 0; nth < effects.length; nth++) {
      const { collection, document } = effects[nth] as InsertEffect;
      let group = groups.get(collection);
      if (group === undefined) {
        group = { collection, documents: [], owners: [], idsGiven: [] };
        groups.set(collection, group);
      }
      try {
        addDocument(group, document, givenId(taskId, nth), index);
      } catch (thrown) {
        verdicts.fail(index, refusal(collection, toWireError(thrown, 'E_STORE_REFUSED').message));
      }
    }
  }
  return [...groups.values()];
}

/** Throws, before anything was added, for what is no document and for what a document's getters or toBSON throw. */
function addDocument(group: Group, document: object, id: string, owner: number): void {
  const fields = fieldsOf(document);
  const idGiven = lacksId(fields);
  group.documents.push(idGiven ? withId(fields, id) : (fields as StoreDocument));
  group.owners.push(owner);
  group.idsGiven.push(idGiven);
}

async function insertGroup(writer: StoreWriter, group: Group): Promise<readonly InsertProblem[]> {
  if (group.documents.length === 0) return [];
  const problems = await writer.insertMany(group.collection, group.documents);
  const stray = problems.find(({ index }) => group.owners[index] === undefined);
  if (stray === undefined) return problems;
  throw new RuntimeError('E_STORE_UNKNOWN', `the store names document ${stray.index} of ${group.documents.length}`);
}

function judgeGroup(
  group: Group,
  answer: PromiseSettledResult<readonly InsertProblem[]>,
  verdicts: EffectVerdicts,
): void {
  if (answer.status === 'rejected') {
    const error = toWireError(answer.reason, 'E_STORE_UNKNOWN');
    for (const owner of group.owners) verdicts.leaveUnknown(owner, error);
    return;
  }
  for (const problem of answer.value) {
    const owner = group.owners[problem.index] as number;
    if (problem.kind === 'refused') verdicts.fail(owner, refusal(group.collection, problem.message));
    else if (problem.kind === 'conflict' || group.idsGiven[problem.index] !== true) {
      verdicts.fail(owner, conflict(group.collection, problem));
    }
  }
}

function conflict(collection: string, problem: InsertProblem): WireError {
  const advice =
    problem.kind === 'duplicate-id'
      ? 'the task chose this _id itself; leave _id out and the runtime gives one that makes running again harmless'
      : 'another document has the same value in a unique index';
  return storeError(
    'E_STORE_CONFLICT',
    `collection '${collection}' has such a document already: ${problem.message} (${advice})`,
  );
}
