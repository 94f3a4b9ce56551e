/** Which plots the results give: rates of each run that compares them, and one of all latencies by the clock. */
import { describeParameters } from '../harness/parameters.ts';
import { aboutResult, type ContenderResult, queueText } from '../harness/result.ts';
import { spread } from '../harness/statistics.ts';
import { barPlot } from './bar-plot.ts';
import { linePlot, type Series } from './line-plot.ts';

export interface ResultFile {
  /** With its extension, in bench/results. */
  readonly name: string;
  readonly results: readonly ContenderResult[];
}

export interface Plot {
  /** In bench/results/plots. */
  readonly name: string;
  readonly svg: string;
}

export const LATENCY_PLOT = 'latency.svg';
const PERCENTILES = ['p50', 'p90', 'p99', 'p99.9', 'max'];

/** Name of the plot of a run's rates; undefined where it has none. */
export function ratePlotName({ name, results }: ResultFile): string | undefined {
  const [first] = results;
  if (first === undefined || aboutResult(first).compares[0] !== 'rate') return undefined;
  return name.replace(/\.json$/, '.svg');
}

function ratePlot(file: ResultFile, name: string): Plot {
  const [first] = file.results as [ContenderResult];
  const parameters = describeParameters(first.parameters);
  const what = [first.scenario, parameters, queueText(first.environment) ?? ''].filter((part) => part !== '');
  const bars = file.results.map(({ contender, rounds }) => ({
    label: contender,
    ours: contender.startsWith('millrace'),
    ...spread(rounds.map(({ rate }) => rate)),
  }));
  bars.sort((a, b) => b.median - a.median);
  return { name, svg: barPlot(`Messages a second: ${what.join(', ')}`, bars) };
}

function latencySeries({ contender, parameters, latencyMs, figures }: ContenderResult): Series[] {
  if (latencyMs === null) return [];
  const { p50, p99, max } = latencyMs;
  const values = [p50, figures['p90'] ?? Number.NaN, p99, figures['p999'] ?? Number.NaN, max];
  return [{ label: `${contender}, ${parameters.arrivalRate}/s`, values }];
}

/** All of them, in the order of the files. */
export function plotsOf(files: readonly ResultFile[]): Plot[] {
  const rates = files.flatMap((file) => {
    const name = ratePlotName(file);
    return name === undefined ? [] : [ratePlot(file, name)];
  });
  const byTheClock = files.filter(({ results }) => results[0]?.scenario === 'latency');
  const series = byTheClock.flatMap(({ results }) => results.flatMap(latencySeries));
  if (series.length === 0) return rates;
  const title = 'Latency of messages that arrive by the clock';
  return [...rates, { name: LATENCY_PLOT, svg: linePlot({ title, places: PERCENTILES, unit: 'ms', series }) }];
}
