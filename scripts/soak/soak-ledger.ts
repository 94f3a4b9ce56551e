import { KIND_SPECS, KINDS, type Kind } from './message-kinds.ts';
import type { SentBook } from './sent-book.ts';

export interface CounterEnd {
  readonly key: number;
  /** Its value. */
  readonly n: number;
  /** Ids of those who counted, where the counter keeps them. */
  readonly by?: readonly string[];
}

/** What was found at the end, read directly from the servers. */
export interface SoakEnds {
  /** Documents of the tasks that store one; `n` is what the message said. */
  readonly documents: readonly { readonly id: string; readonly n: number; readonly lateMs?: number }[];
  /** Marks that the store keeps beside updates: ids of the tasks whose updates were applied. */
  readonly marks: readonly string[];
  readonly counters: readonly CounterEnd[];
  readonly pairCounters: readonly CounterEnd[];
  readonly deadLetters: readonly { readonly id: string; readonly code: string }[];
  /** In the queues, their suspects and the delay levels. */
  readonly queued: readonly string[];
}

export interface KindCount {
  sent: number;
  confirmed: number;
  stored: number;
  deadLettered: number;
  queued: number;
  lost: number;
}

export interface SoakLedger {
  readonly sent: number;
  readonly confirmed: number;
  readonly stored: number;
  readonly deadLettered: number;
  readonly queued: number;
  readonly byKind: Readonly<Record<Kind, KindCount>>;
  /** Confirmed, and found nowhere. */
  readonly lost: readonly string[];
  /** A counter's effect that was applied more than once. */
  readonly appliedTwice: readonly string[];
  /** A counter's effect that was applied less than once although its task is marked as applied. */
  readonly notApplied: readonly string[];
  /** Of two effects that belong together one is there and one is not. */
  readonly torn: readonly string[];
  /** Found, and never sent; or with content that was never sent. */
  readonly strangers: readonly string[];
  /** Delayed messages that ran before they were due. */
  readonly early: readonly string[];
  /** In two places: not forbidden, because what is delivered again may end otherwise; listed. */
  readonly overlaps: {
    readonly storedAndDead: readonly string[];
    readonly storedAndQueued: readonly string[];
    readonly deadAndQueued: readonly string[];
    readonly deadTwice: readonly string[];
  };
  /** Sent and never confirmed: allowed to be anywhere or nowhere. */
  readonly unconfirmed: { readonly total: number; readonly found: number; readonly nowhere: number };
  /** Dead letters by kind and code. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Nothing lost, applied twice, missing, torn, strange or early. */
  readonly balanced: boolean;
}

const DOCUMENT = 1;
const MARK = 2;
const DEAD = 4;
const QUEUED = 8;
const DEAD_TWICE = 16;

/**
 * Compares what was sent with what was found, over sets of ids:
 *
 *     confirmed = stored ∪ dead-lettered ∪ queued        a counter = the number of its tasks that are marked as applied
 *
 * Pure. Cost: one map entry for each id found.
 */
export function closeSoakLedger(book: SentBook, ends: SoakEnds): SoakLedger {
  const strangers: string[] = [];
  const early: string[] = [];
  const reasons: Record<string, number> = {};
  const found = findPlaces(book, ends, { strangers, early, reasons });
  const byKind = Object.fromEntries(KINDS.map((kind) => [kind, emptyCount()])) as Record<Kind, KindCount>;
  const overlaps = noOverlaps();
  const lost: string[] = [];
  const torn: string[] = [];
  const unconfirmed = { total: 0, found: 0, nowhere: 0 };
  for (const [id, { kind, state }] of book.entries()) {
    const places = found.get(id) ?? 0;
    const stored = isStored(kind, places);
    if (KIND_SPECS[kind].proof === 'both' && ((places & DOCUMENT) === 0) !== ((places & MARK) === 0)) torn.push(id);
    const count = byKind[kind];
    count.sent++;
    if (stored) count.stored++;
    if (places & DEAD) count.deadLettered++;
    if (places & QUEUED) count.queued++;
    if (stored && places & DEAD) overlaps.storedAndDead.push(id);
    if (stored && places & QUEUED) overlaps.storedAndQueued.push(id);
    if (places & DEAD && places & QUEUED) overlaps.deadAndQueued.push(id);
    if (places & DEAD_TWICE) overlaps.deadTwice.push(id);
    const somewhere = stored || (places & (DEAD | QUEUED)) !== 0;
    if (state === 'confirmed') {
      count.confirmed++;
      if (!somewhere) {
        count.lost++;
        lost.push(id);
      }
    } else {
      unconfirmed.total++;
      if (somewhere) unconfirmed.found++;
      else unconfirmed.nowhere++;
    }
  }
  const { appliedTwice, notApplied } = compareCounters(book, ends, found);
  const sum = (part: keyof KindCount): number => KINDS.reduce((total, kind) => total + byKind[kind][part], 0);
  const faults = [lost, appliedTwice, notApplied, torn, strangers, early];
  return {
    sent: sum('sent'),
    confirmed: sum('confirmed'),
    stored: sum('stored'),
    deadLettered: sum('deadLettered'),
    queued: sum('queued'),
    byKind,
    lost,
    appliedTwice,
    notApplied,
    torn,
    strangers,
    early,
    overlaps,
    unconfirmed,
    reasons,
    balanced: faults.every((list) => list.length === 0),
  };
}

/** By id: where it was found, as bits. */
function findPlaces(
  book: SentBook,
  ends: SoakEnds,
  into: { readonly strangers: string[]; readonly early: string[]; readonly reasons: Record<string, number> },
): Map<string, number> {
  const found = new Map<string, number>();
  const note = (id: string, place: number, what: string): Kind | undefined => {
    const entry = book.entry(id);
    if (entry === undefined) into.strangers.push(`${what} ${id}`);
    else found.set(id, (found.get(id) ?? 0) | place);
    return entry?.kind;
  };
  for (const { id, n, lateMs = 0 } of ends.documents) {
    note(id, DOCUMENT, 'document');
    const entry = book.entry(id);
    if (entry !== undefined && KIND_SPECS[entry.kind].keys === 0 && entry.key !== n)
      into.strangers.push(`document ${id} says ${n}, sent was ${entry.key}`);
    if (lateMs < 0) into.early.push(`${id} by ${-lateMs} ms`);
  }
  for (const id of ends.marks) note(id, MARK, 'mark');
  for (const { id, code } of ends.deadLetters) {
    if ((found.get(id) ?? 0) & DEAD) note(id, DEAD_TWICE, 'dead letter');
    const kind = note(id, DEAD, 'dead letter');
    const reason = `${kind ?? 'unknown'} ${code}`;
    into.reasons[reason] = (into.reasons[reason] ?? 0) + 1;
  }
  for (const id of ends.queued) note(id, QUEUED, 'queued');
  return found;
}

function isStored(kind: Kind, places: number): boolean {
  const { proof } = KIND_SPECS[kind];
  if (proof === 'document') return (places & DOCUMENT) !== 0;
  if (proof === 'mark') return (places & MARK) !== 0;
  return proof === 'both' && (places & (DOCUMENT | MARK)) === (DOCUMENT | MARK);
}

/** Each counter against the tasks that are marked as applied to it. */
function compareCounters(
  book: SentBook,
  ends: SoakEnds,
  found: ReadonlyMap<string, number>,
): { appliedTwice: string[]; notApplied: string[] } {
  const expected = { single: new Map<number, number>(), pair: new Map<number, number>() };
  for (const [id, { kind, key }] of book.entries()) {
    if (((found.get(id) ?? 0) & MARK) === 0) continue;
    const counts = kind === 'pair' ? expected.pair : expected.single;
    const counter = kind === 'count-cold' ? coldCounter(key) : key;
    counts.set(counter, (counts.get(counter) ?? 0) + 1);
  }
  const appliedTwice: string[] = [];
  const notApplied: string[] = [];
  const compare = (what: string, counters: readonly CounterEnd[], counts: ReadonlyMap<number, number>): void => {
    const values = new Map(counters.map((counter) => [counter.key, counter]));
    for (const key of new Set([...values.keys(), ...counts.keys()])) {
      const [is, must] = [values.get(key)?.n ?? 0, counts.get(key) ?? 0];
      if (is > must) appliedTwice.push(`${what} ${key} is ${is}, its tasks are ${must}`);
      if (is < must) notApplied.push(`${what} ${key} is ${is}, its tasks are ${must}`);
    }
    for (const { key, by = [] } of counters) {
      for (const id of repeated(by)) appliedTwice.push(`${what} ${key} counted ${id} twice`);
      for (const id of by)
        if (((found.get(id) ?? 0) & MARK) === 0) appliedTwice.push(`${what} ${key} counted ${id}, which has no mark`);
    }
  };
  compare('counter', ends.counters, expected.single);
  compare('pair counter', ends.pairCounters, expected.pair);
  return { appliedTwice, notApplied };
}

/** Cold counters lie above the hot ones in one collection. */
export function coldCounter(key: number): number {
  return 1_000 + key;
}

function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}

function noOverlaps(): Record<keyof SoakLedger['overlaps'], string[]> {
  return { storedAndDead: [], storedAndQueued: [], deadAndQueued: [], deadTwice: [] };
}

function emptyCount(): KindCount {
  return { sent: 0, confirmed: 0, stored: 0, deadLettered: 0, queued: 0, lost: 0 };
}
