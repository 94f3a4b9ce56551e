import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchmarksPage } from '../../../bench/harness/benchmarks-page.ts';
import type { ContenderResult } from '../../../bench/harness/result.ts';
import { resultOf } from './result-fixture.ts';

function result(contender: string, rate: number, scenario = 'noop'): ContenderResult {
  return resultOf(contender, rate, contender === 'prototype' ? [] : ['prototype'], scenario);
}

test('ratios come first, then min, median and max, then where it was measured', () => {
  const page = benchmarksPage([
    { name: 'x-noop.json', results: [result('millrace', 80_000), result('prototype', 100_000)] },
  ]);
  const places = [
    '| millrace ÷ prototype | 0.80 | 0.80 | 1.00 | 1.00 |',
    '| millrace | 72,000 | **80,000** | 88,000 |',
    'at least once',
    'npm run bench -- noop --against prototype',
    '1a2b3c4',
    'bench/results/x-noop.json',
    'RabbitMQ 3.10.8',
  ].map((text) => page.indexOf(text));
  assert.ok(
    places.every((place) => place > 0),
    String(places),
  );
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test('scenarios stand in their order, whatever the files are called', () => {
  const files = ['live', 'noop', 'mongo'].map((scenario) => ({
    name: `${scenario}.json`,
    results: [result('prototype', 1000, scenario)],
  }));
  const page = benchmarksPage(files);
  const places = ['## noop', '## mongo', '## live'].map((title) => page.indexOf(title));
  assert.ok(
    places.every((place) => place > 0),
    String(places),
  );
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test('the settings of the published figures are set next to those figures', () => {
  const results = [result('millrace-auto', 70_000), result('millrace-10-100', 35_000)];
  const page = benchmarksPage([{ name: 'x.json', results }]);
  assert.ok(page.includes('| millrace-10-100 | 35,000 | 7,000 | 5.0 |'), page);
  assert.ok(!benchmarksPage([{ name: 'x.json', results: results.slice(0, 1) }]).includes('| 7,000 |'));
});

test('what could not run is named with its reason, and what a scenario was varied by is in its heading', () => {
  const plain = result('millrace-cpu', 100, 'cpu');
  const missing = { 'c-reader': 'there is no C compiler' };
  const results = [{ ...plain, parameters: { taskMs: 10 }, environment: { ...plain.environment, missing } }];
  const page = benchmarksPage([{ name: 'x.json', results }]);
  assert.match(page, /## cpu \(task-ms 10\): /);
  assert.match(page, /Not measured on this machine: c-reader: there is no C compiler/);
});

test('the ratios of the suite stand in one table before all sections, those with older commits do not', () => {
  const pair = (rate: number): ContenderResult[] => [result('millrace', rate), result('prototype', 100)];
  const page = benchmarksPage([
    { name: '2026-11-22-180489f-noop.json', results: pair(50) },
    { name: 'noop.json', results: pair(80) },
  ]);
  const [table = ''] = /## At a glance[^#]*/.exec(page) ?? [];
  assert.match(table, /\| noop \| millrace ÷ prototype \| rate 0\.8, cpu 1 \|/);
  assert.doesNotMatch(table, /rate 0\.5/);
  assert.ok(page.indexOf('noop.svg') < page.indexOf('2026-11-22-180489f-noop.svg'));
});

test('a run without servers names none, and no type of queue', () => {
  const plain = resultOf('millrace-embedded', 100, [], 'embedded');
  const results = [{ ...plain, environment: { ...plain.environment, rabbitmq: null } }];
  const page = benchmarksPage([{ name: 'embedded.json', results }]);
  assert.match(page, /^1,000 messages a round, 3 interleaved rounds\.$/m);
  assert.match(page, /^- Broker: in memory, in the contender's process$/m);
  assert.doesNotMatch(page, /quorum queue|RabbitMQ 3|shared with the servers/);
});

test('without results the page says so', () => {
  assert.match(benchmarksPage([]), /No results are committed yet/);
});
