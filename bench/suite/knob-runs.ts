/**
 * What `npm run bench -- knobs` measures: each option where it can make a difference, all its values beside millrace
 * without it, into bench/results/<name>.json. docs/guides/tuning.md has the table of it.
 */
import { KNOBS, type Knob, type KnobScenario, turnedName, untouched } from '../contenders/knobs.ts';
import type { SuiteRun } from './runs.ts';

export interface KnobRun extends SuiteRun {
  readonly knob: Knob;
  readonly scenario: KnobScenario;
}

/** A second or two of work for each contender, so that rounds can be many. */
const SIZES: Readonly<Record<KnobScenario, string>> = {
  noop: '--messages 100000',
  mongo: '--messages 50000',
  latency: '--arrival-rate 1000 --messages 2500',
  payload: '--body-bytes 10240 --messages 20000',
  cpu: '--task-ms 1 --messages 1000',
};
const ROUNDS = 5;
/** Of one contender with all its rounds, filling and starting included. */
const MINUTES = 0.25;

function runOf(knob: Knob, scenario: KnobScenario): KnobRun {
  const contenders = [untouched(scenario), ...knob.values.map((value) => turnedName(knob, value))];
  return {
    name: `knobs-${knob.name}-${scenario}`,
    args: `${scenario} ${SIZES[scenario]} --rounds ${ROUNDS} --only ${contenders.join(',')}`,
    minutes: contenders.length * MINUTES,
    knob,
    scenario,
  };
}

export const KNOB_RUNS: readonly KnobRun[] = KNOBS.flatMap((knob) =>
  knob.scenarios.map((scenario) => runOf(knob, scenario)),
);

/**
 * Those of the named knobs; all without a name. A name is a knob's, or with a scenario behind it that of one run:
 * `prefetch`, `prefetch-mongo`. Throws on one that there is not.
 */
export function chooseKnobRuns(names: readonly string[]): readonly KnobRun[] {
  const named = (run: KnobRun, name: string): boolean => run.knob.name === name || run.name === `knobs-${name}`;
  const unknown = names.find((name) => !KNOB_RUNS.some((run) => named(run, name)));
  if (unknown !== undefined) {
    const known = KNOBS.map(({ name, scenarios }) => `${name} (-${scenarios.join(', -')})`);
    throw new Error(`no knob "${unknown}"; there are ${known.join(', ')}`);
  }
  return names.length === 0 ? KNOB_RUNS : KNOB_RUNS.filter((run) => names.some((name) => named(run, name)));
}
