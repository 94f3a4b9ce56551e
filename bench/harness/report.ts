/** What a run prints. */

import { limitLines } from './combined-limit.ts';
import { describeParameters } from './parameters.ts';
import { ratioTable } from './ratio-table.ts';
import type { RecordedTurn, Recorder, TurnResult } from './recorder.ts';
import { aboutResult as about, brokerText, type ContenderResult, figureText, shareLines } from './result.ts';
import { spread } from './statistics.ts';
import { table, whole } from './table.ts';

/** One line for each turn as it ends. */
export function turnLine({ turn, messages, result }: RecordedTurn): string {
  const round = turn.round === 0 ? 'warm-up' : `round ${turn.round}`;
  const checksum = result.checksum === result.expectedChecksum ? 'ok' : 'WRONG';
  const parts = [
    `${whole(result.acked / result.seconds)} msg/s`,
    `${(result.cpuMicros / messages).toFixed(2)} µs CPU`,
    `${whole(result.handlerCalls)} calls`,
    `checksum ${result.checksum.toString(16).padStart(8, '0')} ${checksum}`,
    `lost ${result.lost}`,
    `duplicates ${result.duplicates}`,
    ...result.faults.map((fault) => `FAULT: ${fault}`),
  ];
  return `${round.padEnd(8)} ${turn.contender.padEnd(26)} ${parts.join(', ')}`;
}

function contenderRow(result: ContenderResult, recorder: Recorder): string[] {
  const rates = spread(result.rounds.map((round) => round.rate));
  const turns = recorder.of(result.contender);
  const total = (of: (result: TurnResult) => number): string =>
    whole(turns.reduce((sum, { result: each }) => sum + of(each), 0));
  const latency = result.latencyMs;
  return [
    result.contender,
    whole(rates.median),
    `${whole(rates.min)}–${whole(rates.max)}`,
    result.cpuMicrosPerMessage.toFixed(2),
    ...(latency === null ? ['–', '–', '–'] : [latency.p50, latency.p99, latency.max].map((ms) => ms.toFixed(1))),
    whole(result.environment.peakRssMiB),
    total((turn) => turn.handlerCalls),
    turns.every(({ result: each }) => each.checksum === each.expectedChecksum) ? 'ok' : 'WRONG',
    total((turn) => turn.lost),
    total((turn) => turn.duplicates),
    ...Object.keys(about(result).figures).map((name) => figureText(result.figures[name])),
  ];
}

const HEAD = [
  'contender',
  'msg/s',
  'min–max',
  'CPU µs/msg',
  'p50 ms',
  'p99 ms',
  'max ms',
  'RSS MiB',
  'calls',
  'checksum',
  'lost',
  'duplicates',
];

function environmentLines(result: ContenderResult, shares: readonly string[]): string[] {
  const { environment: e } = result;
  const publishers = e.publisherCpuMicrosPerMessage;
  return [
    `Broker: ${brokerText(e)}${e.database === null ? '' : `; ${e.database}, ${e.databaseSync}`}`,
    `Node ${e.node}, ${e.cores} × ${e.cpu}, commit ${e.commit}, load ${e.loadAverage}, seed ${e.seed}`,
    ...(e.besides ?? []),
    ...shares,
    `Latency: ${about(result).latency}. – where it cannot be told.`,
    ...Object.entries(e.missing).map(([name, reason]) => `Not measured on this machine: ${name}: ${reason}`),
    ...(publishers === null
      ? []
      : [`Publishers: ${publishers.toFixed(2)} µs CPU a message, in a process of their own.`]),
  ];
}

export function finalReport(results: readonly ContenderResult[], recorder: Recorder): string {
  const [first] = results;
  if (first === undefined) return '';
  const parameters = describeParameters(first.parameters);
  const name = parameters === '' ? first.scenario : `${first.scenario}, ${parameters}`;
  const title = `${name}: ${whole(Math.max(...results.map(({ messages }) => messages)))} messages, median of ${first.rounds.length} interleaved rounds`;
  const rows = results.map((result) => contenderRow(result, recorder));
  const blocks = [title, table([...HEAD, ...Object.values(about(first).figures)], rows)];
  const ratios = ratioTable(results);
  if (ratios !== undefined) blocks.push([table(ratios.head, ratios.rows), ...limitLines(results)].join('\n'));
  blocks.push(environmentLines(first, shareLines(results)).join('\n'));
  return blocks.join('\n\n');
}
