/** What a run prints. */
import type { RecordedTurn, Recorder } from './recorder.ts';
import { type ContenderResult, type Ratio, ratiosOf } from './result.ts';
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
  return `${round.padEnd(8)} ${turn.contender.padEnd(21)} ${parts.join(', ')}`;
}

function contenderRow(result: ContenderResult, recorder: Recorder): string[] {
  const rates = spread(result.rounds.map((round) => round.rate));
  const turns = recorder.of(result.contender);
  const total = (of: (turn: (typeof turns)[number]) => number): string =>
    whole(turns.reduce((sum, turn) => sum + of(turn), 0));
  const latency = result.latencyMs;
  return [
    result.contender,
    whole(rates.median),
    `${whole(rates.min)}–${whole(rates.max)}`,
    result.cpuMicrosPerMessage.toFixed(2),
    ...(latency === null ? ['–', '–', '–'] : [latency.p50, latency.p99, latency.max].map((ms) => ms.toFixed(1))),
    whole(result.environment.peakRssMiB),
    total((turn) => turn.handlerCalls),
    turns.every((turn) => turn.checksum === turn.expectedChecksum) ? 'ok' : 'WRONG',
    total((turn) => turn.lost),
    total((turn) => turn.duplicates),
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

function ratioRow(ratio: Ratio): string[] {
  return [
    `${ratio.contender} / ${ratio.baseline}`,
    ratio.rate.toFixed(2),
    ratio.rateByRound.toFixed(2),
    ratio.cpu.toFixed(2),
    ratio.cpuByRound.toFixed(2),
  ];
}

function environmentLines(result: ContenderResult): string[] {
  const { environment: e } = result;
  const publishers = e.publisherCpuMicrosPerMessage;
  return [
    `${e.rabbitmq}, ${e.queueType} queue${e.database === null ? '' : `; ${e.database}, ${e.databaseSync}`}`,
    `Node ${e.node}, ${e.cores} × ${e.cpu}, commit ${e.commit}, load ${e.loadAverage}, seed ${e.seed}`,
    result.scenario === 'live'
      ? 'Latency: from the publish to the ack, every message.'
      : 'Latency: from the read off the socket to the ack; bare-reader and prototype: of the oldest message of each batch. – where it cannot be told.',
    ...(publishers === null
      ? []
      : [`Publishers: ${publishers.toFixed(2)} µs CPU a message, in a process of their own.`]),
  ];
}

export function finalReport(results: readonly ContenderResult[], recorder: Recorder): string {
  const [first] = results;
  if (first === undefined) return '';
  const ratios = ratiosOf(results);
  const title = `${first.scenario}: ${whole(first.messages)} messages, median of ${first.rounds.length} interleaved rounds`;
  const blocks = [
    title,
    table(
      HEAD,
      results.map((result) => contenderRow(result, recorder)),
    ),
  ];
  if (ratios.length > 0) {
    const head = ['ratio', 'rate', 'rate, by round', 'CPU', 'CPU, by round'];
    blocks.push(table(head, ratios.map(ratioRow)));
  }
  blocks.push(environmentLines(first).join('\n'));
  return blocks.join('\n\n');
}
