/** The whole suite in one table: every ratio by round, before the sections that say where it comes from. */
import type { ResultFile } from '../plots/plots-of.ts';
import { describeParameters } from './parameters.ts';
import { type ContenderResult, figureText, ratiosOf } from './result.ts';
import { markdownTable } from './table.ts';

/** The scenario and what makes this run of it another one. */
export function nameOf({ scenario, parameters, environment }: ContenderResult): string {
  const given = [describeParameters(parameters), environment.queueType === 'quorum' ? '' : environment.queueType];
  const text = given.filter((part) => part !== '').join(', ');
  return text === '' ? scenario : `${scenario} (${text})`;
}

/** Comparisons with an older commit are named by their date; all other files are the suite's. */
export function isDated({ name }: ResultFile): boolean {
  return /^\d{4}-/.test(name);
}

/** Empty where nothing of the suite is there. */
export function glance(files: readonly ResultFile[]): string[] {
  const rows = files.flatMap((file) => {
    const [first] = file.results;
    if (first === undefined || isDated(file)) return [];
    return ratiosOf(file.results).map(({ contender, baseline, measures }) => [
      nameOf(first),
      `${contender} ÷ ${baseline}`,
      measures.map(({ measure, byRound }) => `${measure} ${figureText(byRound)}`).join(', '),
    ]);
  });
  if (rows.length === 0) return [];
  return [`## At a glance\n\n${markdownTable(['scenario', 'ratio', 'by round'], rows)}\n`];
}
