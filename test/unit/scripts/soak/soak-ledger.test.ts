import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND_SPECS, KINDS, type Kind, pickKind } from '../../../../scripts/soak/message-kinds.ts';
import { SentBook } from '../../../../scripts/soak/sent-book.ts';
import { closeSoakLedger, coldCounter, type SoakEnds } from '../../../../scripts/soak/soak-ledger.ts';

/** One message of each kind, all confirmed, and where each must be; two that were never confirmed. */
function balancedRun(): { book: SentBook; ends: Required<SoakEnds> } {
  const book = new SentBook();
  for (const [n, kind] of KINDS.entries()) {
    book.begin(kind, kind, n);
    book.confirm(kind);
  }
  for (const [id, n] of [
    ['unanswered', 100],
    ['given-up', 101],
  ] as const)
    book.begin(id, 'insert', n);
  book.giveUp('given-up');
  const key = (kind: Kind): number => KINDS.indexOf(kind);
  const documents = (['insert', 'large', 'pair', 'delayed', 'flaky'] as const).map((id) => ({
    id,
    n: key(id),
    lateMs: 3,
  }));
  const ends = {
    documents: [...documents, { id: 'given-up', n: 101 }],
    marks: ['count-hot', 'count-cold', 'pair'],
    counters: [
      { key: key('count-hot'), n: 1 },
      { key: coldCounter(key('count-cold')), n: 1, by: ['count-cold'] },
    ],
    pairCounters: [{ key: key('pair'), n: 1 }],
    deadLetters: (['poison', 'unknown', 'overlong'] as const).map((id) => ({ id, code: 'E_CODE' })),
    queued: ['killer'],
  };
  return { book, ends };
}

test('a run in which everything is where it belongs balances', () => {
  const { book, ends } = balancedRun();
  const ledger = closeSoakLedger(book, ends);
  assert.equal(ledger.balanced, true);
  assert.deepEqual([ledger.sent, ledger.confirmed], [13, 11]);
  assert.deepEqual([ledger.stored, ledger.deadLettered, ledger.queued], [8, 3, 1]);
  assert.deepEqual(ledger.unconfirmed, { total: 2, found: 1, nowhere: 1 });
  assert.deepEqual(ledger.reasons, { 'poison E_CODE': 1, 'unknown E_CODE': 1, 'overlong E_CODE': 1 });
});

test('each confirmed message that is taken out of where it ended is lost', () => {
  for (const [place, ids] of [
    ['documents', ['insert', 'large', 'delayed', 'flaky']],
    ['deadLetters', ['poison', 'unknown', 'overlong']],
  ] as const) {
    for (const id of ids) {
      const { book, ends } = balancedRun();
      const less = { ...ends, [place]: ends[place].filter((entry) => entry.id !== id) };
      const ledger = closeSoakLedger(book, less);
      assert.deepEqual([ledger.balanced, ledger.lost], [false, [id]]);
    }
  }
  const { book, ends } = balancedRun();
  assert.deepEqual(closeSoakLedger(book, { ...ends, queued: [] }).lost, ['killer']);
});

test('a counter above the number of its tasks was applied twice, one below misses one', () => {
  for (const place of ['counters', 'pairCounters'] as const) {
    const { book, ends } = balancedRun();
    const [first] = ends[place];
    assert.ok(first !== undefined);
    const others = ends[place].slice(1);
    const twice = closeSoakLedger(book, { ...ends, [place]: [{ ...first, n: 2 }, ...others] });
    assert.deepEqual([twice.balanced, twice.appliedTwice.length, twice.notApplied.length], [false, 1, 0]);
    const never = closeSoakLedger(book, { ...ends, [place]: others });
    assert.deepEqual([never.balanced, never.appliedTwice.length, never.notApplied.length], [false, 0, 1]);
  }
});

test('a cold counter tells twice for one from once for two', () => {
  const { book, ends } = balancedRun();
  book.begin('other', 'count-cold', KINDS.indexOf('count-cold'));
  book.confirm('other');
  const counters = ends.counters.map((counter) => ({ ...counter, n: 2, by: ['count-cold', 'count-cold'] })).slice(1);
  const ledger = closeSoakLedger(book, {
    ...ends,
    marks: [...ends.marks, 'other'],
    counters: [...ends.counters.slice(0, 1), ...counters],
  });
  assert.deepEqual(ledger.appliedTwice, [`counter ${coldCounter(3)} counted count-cold twice`]);
});

test('of two effects that belong together one alone is a torn task', () => {
  const { book, ends } = balancedRun();
  const documents = ends.documents.filter(({ id }) => id !== 'pair');
  const ledger = closeSoakLedger(book, { ...ends, documents });
  assert.deepEqual([ledger.balanced, ledger.torn, ledger.lost], [false, ['pair'], ['pair']]);
});

test('what nobody sent, and what says something else than was sent, is a stranger', () => {
  const { book, ends } = balancedRun();
  for (const more of [
    { documents: [...ends.documents, { id: 'stranger', n: 1 }] },
    { deadLetters: [...ends.deadLetters, { id: 'stranger', code: 'E' }] },
    { queued: [...ends.queued, 'stranger'] },
    { marks: [...ends.marks, 'stranger'] },
    { documents: ends.documents.map((document) => (document.id === 'insert' ? { ...document, n: 77 } : document)) },
  ]) {
    const ledger = closeSoakLedger(book, { ...ends, ...more });
    assert.deepEqual([ledger.balanced, ledger.strangers.length], [false, 1], JSON.stringify(more));
  }
});

test('a delayed message that ran before it was due is early', () => {
  const { book, ends } = balancedRun();
  const documents = ends.documents.map((document) =>
    document.id === 'delayed' ? { ...document, lateMs: -1 } : document,
  );
  const ledger = closeSoakLedger(book, { ...ends, documents });
  assert.deepEqual([ledger.balanced, ledger.early], [false, ['delayed by 1 ms']]);
});

test('what is in two places is listed and balances', () => {
  const { book, ends } = balancedRun();
  const ledger = closeSoakLedger(book, {
    ...ends,
    deadLetters: [...ends.deadLetters, { id: 'insert', code: 'E' }, { id: 'poison', code: 'E' }],
    queued: [...ends.queued, 'large', 'unknown'],
  });
  assert.equal(ledger.balanced, true);
  assert.deepEqual(ledger.overlaps, {
    storedAndDead: ['insert'],
    storedAndQueued: ['large'],
    deadAndQueued: ['unknown'],
    deadTwice: ['poison'],
  });
});

test('the book keeps kind, key and state of each id, and refuses what cannot be', () => {
  const book = new SentBook();
  book.begin('a', 'killer', 123_456_789);
  assert.deepEqual(book.entry('a'), { kind: 'killer', key: 123_456_789, state: 'sending' });
  book.confirm('a');
  assert.deepEqual(book.entry('a'), { kind: 'killer', key: 123_456_789, state: 'confirmed' });
  assert.throws(() => book.giveUp('a'), /is confirmed/);
  assert.throws(() => book.begin('a', 'insert', 1), /given twice/);
  assert.throws(() => book.confirm('b'), /unknown/);
});

test('the shares of the kinds add up, and each kind is picked', () => {
  const sum = KINDS.reduce((total, kind) => total + KIND_SPECS[kind].share, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9, String(sum));
  let below = 0;
  for (const kind of KINDS) {
    assert.equal(pickKind(below + KIND_SPECS[kind].share / 2), kind);
    below += KIND_SPECS[kind].share;
  }
});
