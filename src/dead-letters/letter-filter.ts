import { type Check, duration, group, list, optional, refuse, text } from '../config/option-checks.ts';
import { type Duration, parseDuration } from '../support/duration.ts';
import type { DeadLetter } from './dead-letter.ts';

/** Which dead letters are meant: those that everything given here holds for. Nothing given: all. */
export interface DeadLetterFilter {
  /**
   * Ids of messages, as `DeadLetter.id` has them.
   * @defaultValue any
   */
  readonly id?: string | readonly string[];
  /**
   * Names of tasks.
   * @defaultValue any
   */
  readonly task?: string | readonly string[];
  /**
   * Error codes, as `DeadLetter.code` has them: `E_TASK_FAILED`, an error's own code, `broker: expired`.
   * @defaultValue any
   */
  readonly code?: string | readonly string[];
  /**
   * Died longer ago than this. A letter that does not say when it died is neither older nor newer than anything.
   * @defaultValue any
   * @remarks Duration, 0ms to 87600h, otherwise `E_OPTION_RANGE`.
   */
  readonly olderThan?: Duration;
  /**
   * Died less long ago than this.
   * @defaultValue any
   * @remarks Duration, 0ms to 87600h, otherwise `E_OPTION_RANGE`.
   */
  readonly newerThan?: Duration;
}

/** Whether a letter is meant. */
export type LetterMatch = (letter: DeadLetter) => boolean;

const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000;
const MOST_WORDS = 10_000;
const LONGEST_WORD = 1_000;

const checkWord = text(1, LONGEST_WORD);
const checkWords: Check = (value, path) => {
  if (typeof value === 'string') checkWord(value, path);
  else if (Array.isArray(value)) list(checkWord, 1, MOST_WORDS)(value, path);
  else refuse('E_OPTION_TYPE', path, value, 'text, or a list of texts');
};

const checkFilter: Check = group({
  id: optional(checkWords),
  task: optional(checkWords),
  code: optional(checkWords),
  olderThan: optional(duration(0, TEN_YEARS_MS)),
  newerThan: optional(duration(0, TEN_YEARS_MS)),
});

/**
 * Throws E_OPTION_UNKNOWN, E_OPTION_TYPE or E_OPTION_RANGE.
 * @param now - ages are counted from here, Unix ms
 */
export function letterMatch(filter: DeadLetterFilter, now: number): LetterMatch {
  checkFilter(filter, 'filter');
  const [ids, tasks, codes] = [wordSet(filter.id), wordSet(filter.task), wordSet(filter.code)];
  const [olderMs, newerMs] = [parseDuration(filter.olderThan), parseDuration(filter.newerThan)];
  return ({ id, task, code, deadAt }) => {
    if (ids !== undefined && !ids.has(id)) return false;
    if (tasks !== undefined && (task === undefined || !tasks.has(task))) return false;
    if (codes !== undefined && !codes.has(code)) return false;
    if (olderMs === undefined && newerMs === undefined) return true;
    if (deadAt === undefined) return false;
    const age = now - deadAt.getTime();
    return (olderMs === undefined || age > olderMs) && (newerMs === undefined || age < newerMs);
  };
}

/** The ids that the filter names, each once. */
export function idsOf({ id }: DeadLetterFilter): readonly string[] {
  return [...(wordSet(id) ?? [])];
}

function wordSet(words: string | readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (words === undefined) return undefined;
  return new Set(typeof words === 'string' ? [words] : words);
}
