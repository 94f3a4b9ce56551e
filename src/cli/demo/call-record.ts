/** The error of a call that is not valid: no further attempt can cure it. */
export const INVALID_CALL = 'E_CALL_INVALID';

/** A call as a telephone switch reports it: text fields, in the notation of its country. */
export interface RawCall {
  readonly serial: number;
  readonly caller: string;
  readonly callee: string;
  readonly startedAt: string;
  readonly seconds: string;
  readonly codec: string;
  readonly lossPercent: string;
  readonly jitterMs: string;
  readonly delayMs: string;
  readonly note?: string;
}

const CODECS = ['G.711', 'G.729', 'OPUS', 'AMR-WB'];
const NOTES = ['roaming', 'transferred', 'callback requested', 'recorded with consent', 'conference bridge'];
const FIRST_CALL_AT = Date.UTC(2026, 0, 1);

/** One call in this many cannot be valid, so that the demo also shows where such messages go. */
export const INVALID_EVERY = 2_500;

export function isInvalid(serial: number): boolean {
  return serial % INVALID_EVERY === INVALID_EVERY - 1;
}

/**
 * Call number `serial` of the series `seed`: always the same call for the same two numbers.
 * Every INVALID_EVERY-th one has no callee, or lasts a negative time, by turns.
 */
export function generateCall(seed: number, serial: number): RawCall {
  const random = randomFrom(seed * 0x9e3779b1 + serial);
  const call = {
    serial,
    caller: phoneNumber(random),
    callee: phoneNumber(random),
    startedAt: new Date(FIRST_CALL_AT + serial * 437 + Math.floor(random() * 60_000)).toISOString(),
    seconds: (random() ** 3 * 3_600).toFixed(1),
    codec: CODECS[Math.floor(random() * CODECS.length)] ?? 'G.711',
    lossPercent: (random() ** 4 * 12).toFixed(2),
    jitterMs: (random() * 40).toFixed(1),
    delayMs: (20 + random() ** 2 * 380).toFixed(0),
    ...(random() < 0.2 ? { note: NOTES[Math.floor(random() * NOTES.length)] ?? '' } : {}),
  };
  if (!isInvalid(serial)) return call;
  return Math.floor(serial / INVALID_EVERY) % 2 === 0 ? { ...call, callee: '' } : { ...call, seconds: '-1' };
}

function phoneNumber(random: () => number): string {
  const digits = String(Math.floor(random() * 1e8)).padStart(8, '0');
  const style = random();
  if (style < 0.4) return `+49 30 ${digits.slice(0, 4)} ${digits.slice(4)}`;
  if (style < 0.7) return `0049-151-${digits}`;
  return `(030) ${digits.slice(0, 3)}/${digits.slice(3)}`;
}

/** mulberry32: 32 bits of state, the same sequence on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
