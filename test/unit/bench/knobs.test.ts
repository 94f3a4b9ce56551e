import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATALOGUE } from '../../../bench/contenders/catalogue.ts';
import { KNOBS } from '../../../bench/contenders/knobs.ts';
import { isKnobFile, knobTable } from '../../../bench/harness/knob-table.ts';
import { parseOptions } from '../../../bench/harness/options.ts';
import type { ContenderResult } from '../../../bench/harness/result.ts';
import type { ResultFile } from '../../../bench/plots/plots-of.ts';
import { chooseKnobRuns, KNOB_RUNS } from '../../../bench/suite/knob-runs.ts';
import { DEFAULTS } from '../../../src/config/defaults.ts';
import { resultOf } from './result-fixture.ts';

/** Without what only makes columns even. */
function tableOf(...files: ResultFile[]): string {
  return knobTable(files).replaceAll(/ +/g, ' ');
}

/** The same rounds, each with a latency that is so many times its number. */
function timed(contender: string, factor: number): ContenderResult {
  const plain = resultOf(contender, 1000, [], 'latency');
  const rounds = plain.rounds.map((round, i) => {
    const ms = (i + 1) * factor;
    return { ...round, latencyMs: { p50: ms, p99: 2 * ms, max: 3 * ms } };
  });
  return { ...plain, rounds };
}

const noop: ResultFile = {
  name: 'knobs-prefetch-noop.json',
  results: [resultOf('millrace-auto', 100_000), resultOf('millrace-prefetch-100', 50_000)],
};

test('every run has arguments that the command line takes, and sets all values beside millrace without the option', () => {
  for (const { name, args, knob } of KNOB_RUNS) {
    const options = parseOptions(args.split(' '));
    assert.ok(options !== 'help' && !('suite' in options), name);
    assert.equal(options.contenders.length, knob.values.length + 1, name);
    const [own, ...turned] = options.contenders;
    for (const contender of turned) assert.ok(CATALOGUE[contender]?.baselines?.includes(String(own)), contender);
  }
});

test('a value changes one option, and leaves all others to millrace', () => {
  const given = { prefetch: 1, batch: 1, threads: 1 };
  const automatic = { prefetch: 'auto', batch: 'auto', threads: 'auto', concurrency: undefined };
  assert.deepEqual(CATALOGUE['millrace-target-32']?.settings(given), { ...automatic, batch: 32 });
  assert.equal(CATALOGUE['millrace-target-32']?.options, undefined);
  assert.deepEqual(CATALOGUE['millrace-credit-8MiB']?.settings(given), automatic);
  assert.deepEqual(CATALOGUE['millrace-credit-8MiB']?.options, { credit: { bytes: '8MiB' } });
});

test("what an option is without a value is the product's default", () => {
  const { runtime, batching, credit, store } = DEFAULTS;
  const own = Object.fromEntries(KNOBS.map((knob) => [knob.option, knob.own]));
  assert.deepEqual(own, {
    prefetch: runtime.prefetch,
    'batching.target': batching.target,
    'batching.maxAge': batching.maxAge,
    'batching.maxBytes': batching.maxBytes,
    'credit.bytes': credit.bytes,
    threads: 'cores − 1',
    'store.connectionsPerThread': String(store.connectionsPerThread),
  });
});

test('all knobs together take at most twelve minutes where their minutes hold', () => {
  assert.ok(KNOB_RUNS.reduce((sum, { minutes }) => sum + minutes, 0) <= 12);
});

test('a knob is named alone or with one of its scenarios', () => {
  const names = (...given: string[]): string[] => chooseKnobRuns(given).map(({ name }) => name);
  assert.deepEqual(names('prefetch'), ['knobs-prefetch-noop', 'knobs-prefetch-mongo']);
  assert.deepEqual(names('prefetch-mongo', 'credit'), ['knobs-prefetch-mongo', 'knobs-credit-payload']);
  assert.equal(names().length, KNOB_RUNS.length);
});

test('knobs on the command line takes names and --force, and says what there is', () => {
  assert.deepEqual(parseOptions(['knobs', 'prefetch,target-noop', '--force']), {
    suite: true,
    knobs: ['prefetch', 'target-noop'],
    quick: false,
    force: true,
  });
  assert.throws(
    () => parseOptions(['knobs', 'prefetsch']),
    /no knob "prefetsch"; there are prefetch \(-noop, -mongo\)/,
  );
  assert.throws(
    () => parseOptions(['knobs', '--rounds', '3']),
    /takes only names and --force beside it, got "--rounds"/,
  );
});

test('without results the table says how to measure them', () => {
  assert.match(knobTable([]), /No figures are committed yet: `npm run bench -- knobs`/);
});

test('a row is the median, lowest and highest ratio of the rounds to those beside it', () => {
  const slower = resultOf('millrace-prefetch-100', 50_000);
  const [first, ...others] = slower.rounds;
  assert.ok(first !== undefined);
  const rounds = [{ ...first, rate: 90_000, cpuMicrosPerMessage: 10 }, ...others];
  const table = tableOf({ ...noop, results: [resultOf('millrace-auto', 100_000), { ...slower, rounds }] });
  const row = '| `prefetch` (`auto`) | `100` | a full queue, tasks that do nothing |';
  assert.ok(table.includes(`${row} 0.50 [0.50–1.00] | 1.00 [1.00–2.00] | – | – |`), table);
});

test('latency is compared where messages come by the clock, and their rate is not', () => {
  const results = [timed('millrace-noop', 1), timed('millrace-max-age-0ms', 2)];
  const table = tableOf({ name: 'knobs-max-age-latency.json', results });
  assert.match(
    table,
    /\| `0ms` \| 1,000 messages\/s by the clock \| – \| 1\.00 \[.*\] \| 2\.00 \[2\.00–2\.00\] \| 2\.00/,
  );
});

test('runs that have no results are named, and the ledger of those that have is added up', () => {
  const [own, turned] = noop.results;
  assert.ok(own !== undefined && turned !== undefined);
  const [first, ...others] = turned.rounds;
  assert.ok(first !== undefined);
  const lossy = { ...turned, rounds: [{ ...first, lost: 2, duplicates: 1 }, ...others] };
  const table = knobTable([{ ...noop, results: [own, lossy] }]);
  assert.match(table, /Not measured yet: knobs-prefetch-mongo, /);
  assert.match(table, /Of 6,000 messages 2 were lost and 1 came twice/);
});

test('results of knobs are told from those of BENCHMARKS.md by their name', () => {
  assert.equal(isKnobFile(noop), true);
  assert.equal(isKnobFile({ ...noop, name: 'noop.json' }), false);
});
