import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeAllocation, reportOf } from '../../../bench/harness/allocation-report.ts';

const SITES = [
  { place: 'batch/slab.js append', bytes: 3_000 },
  { place: 'delivery/dispatcher.js pump', bytes: 1_000 },
];

test('bytes are divided by messages and by batches, without those of the bench', () => {
  const report = reportOf({ sites: SITES, benchBytes: 500, bufferBytes: 100 }, 50, 5);
  assert.deepEqual(report, {
    messages: 50,
    messagesPerBatch: 10,
    bytesPerMessage: 80,
    bytesPerBatch: 800,
    bufferBytesPerMessage: 2,
    benchBytesPerMessage: 10,
    sites: [
      { place: 'batch/slab.js append', bytesPerMessage: 60, share: 0.75 },
      { place: 'delivery/dispatcher.js pump', bytesPerMessage: 20, share: 0.25 },
    ],
  });
});

test('places beyond the first fifteen are told as one', () => {
  const sites = Array.from({ length: 20 }, (_, n) => ({ place: `place ${n}`, bytes: 100 }));
  const text = describeAllocation('a full queue', reportOf({ sites, benchBytes: 0, bufferBytes: 0 }, 100, 1));
  assert.match(text, /^place 14 +1\.0 +5\.0 %$/m);
  assert.doesNotMatch(text, /place 15/);
  assert.match(text, /^other places +5\.0 +25\.0 %$/m);
  assert.match(text, /^heap, all places +20\.0 +100\.0 %$/m);
});
