import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interleave } from '../../../bench/harness/interleave.ts';
import { Recorder, type TurnResult } from '../../../bench/harness/recorder.ts';
import { type ContenderResult, type RoundResult, ratiosOf } from '../../../bench/harness/result.ts';
import { median } from '../../../bench/harness/statistics.ts';
import { machine } from './machine-fixture.ts';

function turn(seconds: number, cpuMicros: number, lost = 0): TurnResult {
  return {
    seconds,
    acked: 1000,
    cpuMicros,
    lost,
    duplicates: 0,
    faults: [],
    latency: { p50: seconds, p99: seconds, max: seconds },
    handlerCalls: 1000 - lost,
    checksum: 1,
    expectedChecksum: 1,
    peakRssMiB: 100,
    publisherCpuMicros: undefined,
  };
}

const settings = { prefetch: 2000, batch: 250, threads: 1 };

/** Rounds with the given seconds; the warm-up is ten times slower and must not count. */
function record(seconds: Record<string, number[]>, lost = 0): { recorder: Recorder; results: ContenderResult[] } {
  const recorder = new Recorder();
  const names = Object.keys(seconds);
  for (const next of interleave(names, 3, 1)) {
    const time = next.round === 0 ? 10 : (seconds[next.contender]?.[next.round - 1] ?? Number.NaN);
    recorder.add(next, 1000, turn(time, time * 1e6, lost));
  }
  return { recorder, results: recorder.results(names, { scenario: 'noop', parameters: {}, settings, machine }) };
}

test('the median of an even number of values is the mean of the middle two', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

function clean(latency: number): Pick<RoundResult, 'lost' | 'duplicates' | 'latencyMs' | 'figures'> {
  return { lost: 0, duplicates: 0, latencyMs: { p50: latency, p99: latency, max: latency }, figures: {} };
}

/** [of medians, by round] of one measure. */
function ratio(results: readonly ContenderResult[], measure: string): [number, number] | undefined {
  const found = ratiosOf(results)[0]?.measures.find((each) => each.measure === measure);
  return found && [found.ofMedians, found.byRound];
}

test('a result holds the counted rounds and their medians, in exactly the promised shape', () => {
  const [result] = record({ millrace: [1, 4, 2] }).results;
  assert.ok(result !== undefined);
  const keys = 'scenario contender parameters messages rounds rate cpuMicrosPerMessage latencyMs figures environment';
  assert.deepEqual(Object.keys(result), keys.split(' '));
  assert.deepEqual(result.rounds, [
    { seconds: 1, rate: 1000, cpuMicrosPerMessage: 1000, ...clean(1) },
    { seconds: 4, rate: 250, cpuMicrosPerMessage: 4000, ...clean(4) },
    { seconds: 2, rate: 500, cpuMicrosPerMessage: 2000, ...clean(2) },
  ]);
  assert.equal(result.rate, 500);
  assert.equal(result.cpuMicrosPerMessage, 2000);
  assert.deepEqual(result.latencyMs, { p50: 2, p99: 2, max: 4 });
});

test('a ratio by round compares what ran in the same round', () => {
  const { results } = record({ millrace: [1, 4, 2], prototype: [1, 2, 4] });
  const [pair] = ratiosOf(results);
  assert.deepEqual([pair?.contender, pair?.baseline], ['millrace', 'prototype']);
  assert.deepEqual(ratio(results, 'rate'), [1, 1]);
  assert.deepEqual(ratio(results, 'cpu'), [1, 1]);
  const slower = record({ millrace: [2, 4, 8], prototype: [1, 2, 4] }).results;
  assert.deepEqual(ratio(slower, 'rate'), [0.5, 0.5]);
  assert.deepEqual(ratio(slower, 'cpu'), [2, 2]);
});

test('one lost message fails the run', () => {
  assert.equal(record({ millrace: [1, 1, 1] }).recorder.failed, false);
  assert.equal(record({ millrace: [1, 1, 1] }, 1).recorder.failed, true);
});

test('a contender is compared with each of its baselines that ran', () => {
  const { results } = record({ millrace: [1, 1, 1], 'c-reader': [0.5, 0.5, 0.5], 'amqplib-multi': [2, 2, 2] });
  const ratios = ratiosOf(results).map(({ contender, baseline, measures }) => [
    contender,
    baseline,
    measures[0]?.ofMedians,
  ]);
  assert.deepEqual(ratios, [
    ['millrace', 'c-reader', 0.5],
    ['millrace', 'amqplib-multi', 2],
  ]);
});
