/** The ratios of a run as a table: what is compared stands in the columns, twice. */
import { aboutResult, type ContenderResult, ratiosOf } from './result.ts';

export interface RatioTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const TITLES: Readonly<Record<string, string>> = { cpu: 'CPU' };

/** undefined where nothing is compared. */
export function ratioTable(results: readonly ContenderResult[]): RatioTable | undefined {
  const ratios = ratiosOf(results);
  const [first] = ratios;
  const [result] = results;
  if (first === undefined || result === undefined) return undefined;
  const { figures } = aboutResult(result);
  const titles = first.measures.map(({ measure }) => figures[measure] ?? TITLES[measure] ?? measure);
  return {
    head: ['ratio of medians', ...titles.flatMap((title) => [title, `${title}, by round`])],
    rows: ratios.map(({ contender, baseline, measures }) => [
      `${contender} ÷ ${baseline}`,
      ...measures.flatMap(({ ofMedians, byRound }) => [ratioText(ofMedians), ratioText(byRound)]),
    ]),
  };
}

function ratioText(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '–';
}
