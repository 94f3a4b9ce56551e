/** Every contender by its name: which module, which settings, what it promises. */
import { aboutScenario, type ScenarioName } from '../scenarios/about.ts';
import { EMBEDDED } from './embedded.ts';
import type { CatalogueEntry } from './entry.ts';
import { FLEETS } from './fleets.ts';
import { KNOB_CONTENDERS } from './knobs.ts';
import { LIBRARIES } from './libraries.ts';
import { OTHER_SYSTEMS } from './other-systems.ts';
import { OURS } from './ours.ts';
import { PUBLISHERS } from './publishers.ts';
import { REFERENCES } from './references.ts';

export const CATALOGUE: Readonly<Record<string, CatalogueEntry>> = {
  ...OURS,
  ...KNOB_CONTENDERS,
  ...FLEETS,
  ...REFERENCES,
  ...LIBRARIES,
  ...OTHER_SYSTEMS,
  ...PUBLISHERS,
  ...EMBEDDED,
};

export function contendersFor(scenario: ScenarioName): [string, CatalogueEntry][] {
  return Object.entries(CATALOGUE).filter(([, entry]) => entry.scenarios.includes(scenario));
}

/**
 * The standard contenders of a scenario and those named in `against`; where `only` names some, just those of both lists.
 * Throws on a name that the scenario does not have.
 */
export function chooseContenders(
  scenario: ScenarioName,
  against: readonly string[],
  only: readonly string[],
): string[] {
  const known = contendersFor(scenario);
  const named = [...against, ...only];
  for (const name of named) {
    if (known.some(([other]) => other === name)) continue;
    throw new Error(`no contender "${name}" in ${scenario}; there are ${known.map(([other]) => other).join(', ')}`);
  }
  const wanted = known.filter(
    ([name, entry]) => named.includes(name) || (entry.standard.includes(scenario) && only.length === 0),
  );
  return wanted.map(([name]) => name);
}

/** Whether a contender writes documents in this scenario. */
export function writesIn(name: string, scenario: ScenarioName): boolean {
  return CATALOGUE[name]?.writes ?? aboutScenario(scenario).writes;
}
