import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitLines } from '../../../bench/harness/combined-limit.ts';
import { type ContenderResult, type MeasureRatio, ratiosOf, shareLines } from '../../../bench/harness/result.ts';
import { machine } from './machine-fixture.ts';

/** Rounds of [rate, CPU a message]. */
function result(contender: string, rounds: readonly [number, number][]): ContenderResult {
  return {
    scenario: 'mongo',
    contender,
    parameters: {},
    messages: 1000,
    rounds: rounds.map(([rate, cpuMicrosPerMessage]) => ({
      seconds: 1000 / rate,
      rate,
      cpuMicrosPerMessage,
      lost: 0,
      duplicates: 0,
      latencyMs: null,
      figures: {},
    })),
    rate: 0,
    cpuMicrosPerMessage: 0,
    latencyMs: null,
    figures: {},
    environment: {
      ...machine,
      prefetch: 2000,
      batch: 250,
      threads: 1,
      concurrency: null,
      guarantee: '',
      baselines: contender === 'millrace' ? ['combined-limit'] : [],
      handlerCalls: 1000,
      peakRssMiB: 100,
      publisherCpuMicrosPerMessage: null,
    },
  };
}

const drained = result('c-reader', [
  [100, 2],
  [300, 1],
]);
const inserted = result('insert-many', [
  [100, 3],
  [150, 4],
]);
const millrace = result('millrace', [
  [25, 10],
  [100, 10],
]);

test('a contender that got fewer messages is said to', () => {
  assert.deepEqual(shareLines([drained, { ...inserted, messages: 50 }]), ['insert-many: 50 messages a round']);
  assert.deepEqual(shareLines([drained, inserted]), []);
});

function measures(results: readonly ContenderResult[]): readonly MeasureRatio[] | undefined {
  return ratiosOf(results).find(({ baseline }) => baseline === 'combined-limit')?.measures;
}

test('the combined limit is draining and inserting one after the other, in the same round', () => {
  // limits of 50 and 100 msg/s, 5 and 5 µs
  assert.deepEqual(measures([millrace, drained, inserted]), [
    { measure: 'rate', ofMedians: 62.5 / 75, byRound: 0.75 },
    { measure: 'cpu', ofMedians: 2, byRound: 2 },
  ]);
});

test('without one of its parts there is no combined limit', () => {
  assert.equal(measures([millrace, drained]), undefined);
  assert.deepEqual(limitLines([millrace, inserted]), []);
});

test('a line says what the combined limit was and what it is made of', () => {
  const [line = ''] = limitLines([millrace, drained, inserted]);
  assert.match(line, /^combined-limit: 75 msg\/s and 5\.00 µs CPU a message, made of c-reader and insert-many: /);
  assert.deepEqual(limitLines([drained, inserted]), []);
});
