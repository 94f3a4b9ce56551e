/** The help text of `npm run bench`, made of what it knows: scenarios, parameters, contenders. */
import { contendersFor } from '../contenders/catalogue.ts';
import { KNOBS } from '../contenders/knobs.ts';
import { aboutScenario, SCENARIO_NAMES, type ScenarioName } from '../scenarios/about.ts';
import { DEFAULTS } from './options.ts';
import { PARAMETER_NAMES, PARAMETERS, type ParameterName } from './parameters.ts';

function scenarioLine(name: ScenarioName): string {
  const { about, messages, parameters, rounds } = aboutScenario(name);
  const count = messages(parameters, DEFAULTS.threads);
  return `  ${name.padEnd(13)} ${about} (${count} messages, ${rounds} rounds)`;
}

function parameterLine(name: ParameterName): string {
  const { flag, unit, lowest, highest, about } = PARAMETERS[name];
  const scenarios = SCENARIO_NAMES.filter((scenario) => aboutScenario(scenario).parameters[name] !== undefined);
  const values = scenarios.map((scenario) => `${scenario} ${aboutScenario(scenario).parameters[name]}`).join(', ');
  return `  ${`--${flag} N`.padEnd(19)} ${about}, ${unit}, ${lowest} to ${highest} (${values})`;
}

function contenderLines(scenario: ScenarioName): string {
  const lines = contendersFor(scenario).map(
    ([name, entry]) => `    ${entry.standard.includes(scenario) ? '•' : ' '} ${name.padEnd(22)} ${entry.about}`,
  );
  return `  ${scenario}\n${lines.join('\n')}`;
}

export function helpText(): string {
  return `Usage: npm run bench -- SCENARIO [options]
       npm run bench -- all [--force]
       npm run bench -- knobs [NAME,…] [--force]
       npm run bench -- --quick [--force]

all measures everything that stands in BENCHMARKS.md into bench/results, in about an hour; npm run bench:report then writes
the page and its plots. --quick measures the most telling part of it in less than five minutes, writes nothing, and sets
the ratios next to the committed ones. knobs measures what it costs to set options that millrace otherwise chooses, in about
twelve minutes, for the table in docs/guides/tuning.md; NAME is an option, or with a scenario behind it one of its runs:
${KNOBS.map(({ name, scenarios }) => `  ${name} (-${scenarios.join(', -')})`).join('\n')}

Scenarios
${SCENARIO_NAMES.map(scenarioLine).join('\n')}

Options
  --messages N        messages a contender gets in each round (above)
  --rounds N          counted rounds, after a warm-up (above)
${PARAMETER_NAMES.map(parameterLine).join('\n')}
  --queue-type TYPE   quorum or classic (quorum)
  --prefetch N        for contenders that do not choose themselves (${DEFAULTS.prefetch})
  --batch N           the same (${DEFAULTS.batch})
  --threads N         the same (${DEFAULTS.threads})
  --against NAME,…    further contenders
  --before DIR        the checkout that the contenders millrace-…before are taken from, with a built dist/
  --only NAME,…       these contenders and no others
  --json FILE         where the results go as JSON
  --seed N            for message ids and the order of contenders (random, printed)
  --force             measure although the machine is busy
  --skip-build        measure dist/ as it is
  --help              this text

Contenders (• always there, others by --against)
${SCENARIO_NAMES.map(contenderLines).join('\n')}

Servers: AMQP_URL and MONGO_URL, or those found or started as "npm run services -- --help" describes. embedded needs none.
The bench uses a queue and a database of its own and removes them.
Exit code: 0, 1 when a message was lost or duplicated or a run failed, 2 when the command line is wrong.`;
}
