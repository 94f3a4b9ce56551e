import { RuntimeError } from '../errors/runtime-error.ts';

const EFFECT = Symbol.for('millrace.Effect');

/** A document as a task gives it: a plain object; `_id` is added by the runtime where the task gives none. */
export type EffectDocument = Readonly<Record<string, unknown>>;

/**
 * What a task wants written. A task returns effects instead of writing by itself, so that the thread can write those
 * of a whole batch at once; an effect does nothing until it is returned.
 *
 * Recognised by a registered symbol on the prototype, so that two copies of the package understand each other and
 * an effect costs no more than its two fields.
 */
export class InsertEffect {
  readonly collection: string;
  readonly document: EffectDocument;

  constructor(collection: string, document: EffectDocument) {
    this.collection = collection;
    this.document = document;
  }

  get kind(): 'insert' {
    return 'insert';
  }
}
Object.defineProperty(InsertEffect.prototype, EFFECT, { value: true });

/** Everything that can be written. Later kinds join this union. */
export type Effect = InsertEffect;

/**
 * Inserts one document, exactly once however often the message is delivered: its `_id` is the task's id
 * (`<id>:1`, … for further effects of the same task), and one that is there already counts as stored.
 * With an `_id` of your own that promise is gone: if it is there already, the task fails with E_STORE_CONFLICT.
 *
 * Throws E_TASK_OUTCOME, which fails the task, when `collection` is no name or `document` no object.
 */
export function insertOne(collection: string, document: EffectDocument): InsertEffect {
  if (typeof collection !== 'string' || collection === '') {
    throw new RuntimeError(
      'E_TASK_OUTCOME',
      `insertOne(collection, document): the collection must be a name, got ${describe(collection)}`,
    );
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new RuntimeError(
      'E_TASK_OUTCOME',
      `insertOne("${collection}", document): the document must be an object, got ${describe(document)}`,
    );
  }
  return new InsertEffect(collection, document);
}

export function isEffect(value: unknown): value is Effect {
  return typeof value === 'object' && value !== null && EFFECT in value;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return value === '' ? 'an empty string' : `a ${typeof value}`;
}
