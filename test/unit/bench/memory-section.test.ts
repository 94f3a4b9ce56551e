import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AllocationReport } from '../../../bench/harness/allocation-report.ts';
import { benchmarksPage } from '../../../bench/harness/benchmarks-page.ts';
import type { MemoryReport } from '../../../bench/harness/memory-report.ts';
import { memorySection } from '../../../bench/harness/memory-section.ts';

const MIB = 1024 * 1024;

function allocation(bytesPerMessage: number): AllocationReport {
  const site = { place: 'append (slab.js)', bytesPerMessage: bytesPerMessage / 2, share: 0.5 };
  return {
    messages: 1000,
    messagesPerBatch: 250,
    bytesPerMessage,
    bytesPerBatch: bytesPerMessage * 250,
    bufferBytesPerMessage: 0.5,
    benchBytesPerMessage: 3,
    sites: [site],
  };
}

function report(ok: boolean): MemoryReport {
  const machine = {
    at: '2026-11-28T12:00:00.000Z',
    commit: 'abc1234',
    node: 'v20.20.2',
    os: 'Linux 6 x64',
    cpu: 'a processor',
    cores: 2,
    memoryGiB: 8,
    loadAverage: 0.1,
  };
  return {
    machine,
    minutes: 20,
    verdicts: [{ name: 'main', atMark: 40 * MIB, atEnd: 50 * MIB, ratio: 1.25, ok }],
    allocation: { backlog: allocation(178), arriving: allocation(226) },
    samples: [{ seconds: 1199, handled: 1_200_000, rssBytes: 100 * MIB, threads: [] }],
  };
}

test('the section says what memory was at minute five and at the end, and whether it grew', () => {
  const grew = memorySection(report(false));
  assert.match(grew, /\| main \| 1\.25 \| 40\.0 \| 50\.0 \| \*\*no\*\* \|/);
  assert.match(grew, /1,200,000 messages, 1,000 a second/);
  assert.match(memorySection(report(true)), /\| 50\.0 \| yes \|/);
});

test('it says what a message allocates, where, and next to what command, commit and machine', () => {
  const text = memorySection(report(true));
  assert.match(text, /\| \*\*heap, all places\*\* \| \*\*178\.0\*\* \| \*\*226\.0\*\* \|/);
  assert.match(text, /\| `append \(slab\.js\)` \| 89\.0 \| 113\.0 \|/);
  assert.match(text, /npm run memory -- --minutes 20 .*\n- Commit abc1234, 2026-11-28/);
});

test('the page ends with it where it was measured, and says nothing of it where it was not', () => {
  assert.ok(benchmarksPage([], report(true)).includes('## memory: A worker under load for 20 minutes'));
  assert.ok(!benchmarksPage([]).includes('## memory'));
});
