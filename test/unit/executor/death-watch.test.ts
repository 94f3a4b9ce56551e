import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeathWatch } from '../../../src/executor/thread/death-watch.ts';

describe('DeathWatch', () => {
  it('gives up after eleven threads that began nothing within a minute', () => {
    const watch = new DeathWatch();
    for (let n = 0; n < 10; n++) assert.equal(watch.died(n * 1000, false), undefined);
    assert.match(watch.died(10_000, false) ?? '', /11 threads ended within 60 s before they had begun a batch/);
  });

  it('bears deaths that are far apart', () => {
    const watch = new DeathWatch();
    for (let n = 0; n < 50; n++) assert.equal(watch.died(n * 10_000, false), undefined);
  });

  it('bears a series of poisonous messages, but not one without end', () => {
    const watch = new DeathWatch();
    for (let n = 0; n < 100; n++) assert.equal(watch.died(n, true), undefined);
    assert.match(watch.died(100, true) ?? '', /101 threads ended within 60 s and no batch was finished/);
  });

  it('starts anew with every batch that finishes', () => {
    const watch = new DeathWatch();
    for (let n = 0; n < 500; n++) {
      assert.equal(watch.died(n, n % 2 === 0), undefined);
      if (n % 5 === 0) watch.finished();
    }
  });
});
