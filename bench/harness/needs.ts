/** What some contenders need that a machine may not have. None is guessed, and none is left out silently. */
import { CATALOGUE } from '../contenders/catalogue.ts';
import { buildNative } from './native.ts';

export type Need = 'librabbitmq';

/** Makes it ready, once a run. Resolves with why that is impossible here, or undefined. */
const PREPARE: Readonly<Record<Need, () => Promise<string | undefined>>> = {
  librabbitmq: async () => buildNative(),
};

export interface Field {
  readonly present: readonly string[];
  /** Why each of the others cannot run on this machine. */
  readonly missing: Readonly<Record<string, string>>;
}

/** Makes ready what the contenders need, and tells which of them cannot run. */
export async function prepareContenders(contenders: readonly string[]): Promise<Field> {
  const reasons = new Map<Need, string | undefined>();
  const present: string[] = [];
  const missing: Record<string, string> = {};
  for (const name of contenders) {
    const need = CATALOGUE[name]?.needs;
    if (need !== undefined && !reasons.has(need)) reasons.set(need, await PREPARE[need]());
    const reason = need === undefined ? undefined : reasons.get(need);
    if (reason === undefined) present.push(name);
    else missing[name] = reason;
  }
  return { present, missing };
}
