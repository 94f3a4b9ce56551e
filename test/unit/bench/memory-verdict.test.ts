import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeMemory, type MemorySample } from '../../../bench/harness/memory-verdict.ts';

const MIB = 1024 * 1024;

function samples(seconds: number, rssMiB: (at: number) => number, threadMiB: (at: number) => number): MemorySample[] {
  return Array.from({ length: seconds / 10 }, (_, n) => ({
    seconds: (n + 1) * 10,
    handled: n,
    rssBytes: rssMiB((n + 1) * 10) * MIB,
    threads: [{ name: 'main', bytes: threadMiB((n + 1) * 10) * MIB }],
  }));
}

test('memory that settles before minute five is as it should be', () => {
  const verdicts = judgeMemory(
    samples(
      1200,
      (at) => (at < 200 ? 60 + at / 4 : 110),
      () => 30,
    ),
  );
  assert.deepEqual(
    verdicts.map(({ name, ok }) => [name, ok]),
    [
      ['process (RSS)', true],
      ['main', true],
    ],
  );
});

test('memory that grows by a tenth after minute five is not', () => {
  const [process, main] = judgeMemory(
    samples(
      1200,
      (at) => 100 + at / 40,
      (at) => 50 + at / 60,
    ),
  );
  assert.equal(process?.ok, false);
  assert.equal(main?.ok, false);
  assert.ok((main?.ratio ?? 0) > 1.2);
});

test('less at the end than at the mark is no fault, and one burst decides nothing', () => {
  const verdicts = judgeMemory(
    samples(
      1200,
      (at) => (at === 1200 ? 400 : 100),
      (at) => 80 - at / 60,
    ),
  );
  assert.ok(verdicts.every(({ ok }) => ok));
});

test('growth of less than two mebibytes is noise', () => {
  assert.ok(
    judgeMemory(
      samples(
        400,
        () => 100,
        (at) => 8 + at / 400,
      ),
    ).every(({ ok }) => ok),
  );
});

test('shorter runs are compared with a quarter of their time', () => {
  const [process] = judgeMemory(
    samples(
      200,
      (at) => (at <= 40 ? 50 : 100),
      () => 10,
    ),
  );
  assert.equal(process?.atMark, 100 * MIB);
});

test('without samples there is no verdict', () => {
  assert.deepEqual(judgeMemory([]), []);
});
