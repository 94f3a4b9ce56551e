import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linePlot } from '../../../bench/plots/line-plot.ts';
import { plotsOf } from '../../../bench/plots/plots-of.ts';
import { resultOf } from './result-fixture.ts';

test('a run that compares rates gets a bar for each contender, the fastest first', () => {
  const results = [resultOf('c-reader', 80_000), resultOf('millrace', 100_000)];
  const [plot, ...others] = plotsOf([{ name: 'noop.json', results }]);
  assert.deepEqual([plot?.name, others], ['noop.svg', []]);
  const svg = plot?.svg ?? '';
  assert.ok(svg.indexOf('>millrace<') > 0 && svg.indexOf('>millrace<') < svg.indexOf('>c-reader<'));
  assert.match(svg, />100,000</);
  const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)" height="16"/g)].map(([, width]) => Number(width));
  assert.equal(widths.length, 2);
  assert.equal(((widths[1] as number) / (widths[0] as number)).toFixed(2), '0.80');
});

test('a plot names the queue type only where a broker was measured', () => {
  const [plot] = plotsOf([{ name: 'noop.json', results: [resultOf('millrace', 1)] }]);
  assert.match(plot?.svg ?? '', />Messages a second: noop, quorum queue</);
  const plain = resultOf('millrace-embedded', 1, [], 'embedded');
  const results = [{ ...plain, environment: { ...plain.environment, rabbitmq: null } }];
  const [embedded] = plotsOf([{ name: 'embedded.json', results }]);
  assert.match(embedded?.svg ?? '', />Messages a second: embedded</);
});

test('all latencies by the clock are one plot, however many files they are in', () => {
  const file = (arrivalRate: number) => ({
    name: `latency-${arrivalRate}.json`,
    results: [
      {
        ...resultOf('millrace-noop', 1, [], 'latency'),
        parameters: { arrivalRate },
        latencyMs: { p50: 1, p99: 5, max: 90 },
        figures: { p90: 2, p999: 20 },
      },
    ],
  });
  const [plot, ...others] = plotsOf([file(100), file(1000)]);
  assert.deepEqual([plot?.name, others], ['latency.svg', []]);
  assert.match(plot?.svg ?? '', />millrace-noop, 100\/s</);
  assert.equal(plot?.svg.match(/<polyline/g)?.length, 2);
});

test('what stands in a plot as text is escaped, and a missing value leaves a gap', () => {
  const svg = linePlot({
    title: 'a < b & c',
    places: ['p50', 'p99'],
    unit: 'ms',
    series: [{ label: '<x>', values: [1, Number.NaN] }],
  });
  assert.match(svg, /a &lt; b &amp; c/);
  assert.match(svg, /&lt;x&gt;/);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
});
