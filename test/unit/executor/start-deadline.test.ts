import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BatchReader } from '../../../src/batch/batch-reader.ts';
import type { MessageProperties } from '../../../src/batch/message-properties.ts';
import { lateness } from '../../../src/executor/start-deadline.ts';
import { makeBatch } from '../../support/make-batch.ts';

const NOW = Date.parse('2026-03-04T05:06:07.500Z');
const NOW_SECONDS = Math.floor(NOW / 1000);

function readerOf(properties: MessageProperties): BatchReader {
  const reader = new BatchReader(makeBatch([{ properties }]), 'calls');
  reader.moveTo(0);
  return reader;
}

describe('lateness', () => {
  it('is that of the timestamp, given the benefit of its second, against the task', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100, max: 100 }), fc.integer({ min: 1, max: 90 }), (age, within) => {
        const sent = NOW_SECONDS - age;
        const late = lateness(readerOf({ timestamp: sent }), within * 1_000, NOW);
        assert.equal(late !== undefined, NOW - (sent * 1_000 + 999) > within * 1_000);
      }),
    );
  });

  it('is that of the header x-start-by, whatever the task says', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5_000, max: 5_000 }), (passed) => {
        const late = lateness(readerOf({ headers: { a: 1, 'x-start-by': NOW - passed } }), undefined, NOW);
        assert.equal(late !== undefined, passed > 0);
      }),
    );
  });

  it('says how late, how old and what the limit was', () => {
    assert.equal(
      lateness(readerOf({ timestamp: NOW_SECONDS - 90 }), 60_000, NOW),
      'the message had to be started within 1m, and was picked up when it was 90s old',
    );
    const headers = { 'x-start-by': NOW - 2_500 };
    assert.equal(
      lateness(readerOf({ headers }), undefined, NOW),
      'the message had to be started by 2026-03-04T05:06:05.000Z, and was picked up 3s after that',
    );
    assert.match(
      lateness(readerOf({ headers, timestamp: NOW_SECONDS - 10 }), 3_600_000, NOW) ?? '',
      /3s after that \(it is 10s old\)$/,
    );
  });

  it('is nothing for a message that was begun before, that says nothing of its age, or that comes from the future', () => {
    const old = { timestamp: NOW_SECONDS - 1_000 };
    const begun = [
      readerOf({ ...old, headers: { 'x-attempt': 2, 'x-start-by': 5 } }),
      readerOf({ ...old, headers: { 'x-attempt': 1 } }),
    ];
    for (const reader of begun) assert.equal(lateness(reader, 1_000, NOW), undefined);
    assert.equal(lateness(readerOf({}), 1_000, NOW), undefined);
    assert.equal(lateness(readerOf({ timestamp: 0 }), 1_000, NOW), undefined);
    assert.equal(lateness(readerOf({ timestamp: NOW_SECONDS + 1_000 }), 1_000, NOW), undefined);
    assert.equal(lateness(readerOf({ timestamp: NOW }), 1_000, NOW), undefined, 'ms where seconds were meant');
    assert.equal(lateness(readerOf({ headers: { 'x-start-by': 'soon' } }), undefined, NOW), undefined);
  });
});
