/**
 * The demo's task module, as a user would write it: parse, validate, normalise, score, and return what is to be stored.
 * It runs in the threads. A record that is not valid throws an error that no retry can cure, and its message goes to the dead letters.
 */
import { defineTask, type Effect, insertOne, type TaskContext } from '../../task/index.ts';
import { INVALID_CALL, type RawCall } from './call-record.ts';

interface Call {
  readonly caller: string;
  readonly callee: string;
  readonly startedAt: Date;
  readonly seconds: number;
  readonly lossPercent: number;
  readonly jitterMs: number;
  readonly delayMs: number;
}

/** R-factor lost to the codec itself, and its sensitivity to packet loss (ITU-T G.107, simplified). */
const CODEC_IMPAIRMENT: Readonly<Record<string, readonly [base: number, lossFactor: number]>> = {
  'G.711': [0, 25.1],
  'G.729': [11, 19],
  OPUS: [2, 35],
  'AMR-WB': [5, 22],
};

/** The collection is named like the queue, so that every demo has its own. */
const options = { retry: { never: [INVALID_CALL] } };

export const recordCall = defineTask('record-call', options, (raw: RawCall, context: TaskContext): Effect => {
  const call = parse(raw);
  validate(call);
  const { caller, callee } = call;
  const quality = meanOpinionScore(call, raw.codec);
  return insertOne(context.queue, {
    serial: raw.serial,
    caller,
    callee,
    startedAt: call.startedAt,
    seconds: call.seconds,
    international: caller.slice(0, 3) !== callee.slice(0, 3),
    quality,
    rating: quality >= 4 ? 'good' : quality >= 3.1 ? 'fair' : 'poor',
    suspicion: suspicion(call),
    ...(raw.note === undefined ? {} : { note: raw.note }),
  });
});

function parse(raw: RawCall): Call {
  return {
    caller: normaliseNumber(raw.caller),
    callee: normaliseNumber(raw.callee),
    startedAt: new Date(raw.startedAt),
    seconds: Number(raw.seconds),
    lossPercent: Number(raw.lossPercent),
    jitterMs: Number(raw.jitterMs),
    delayMs: Number(raw.delayMs),
  };
}

function validate(call: Call): void {
  if (call.callee.length < 8) throw invalid(`a call needs a callee, got '${call.callee}'`);
  if (!(call.seconds >= 0)) throw invalid(`a call lasts 0 seconds or more, got ${call.seconds}`);
  if (Number.isNaN(call.startedAt.getTime())) throw invalid('a call needs a start time');
}

function invalid(reason: string): Error {
  return Object.assign(new Error(reason), { code: INVALID_CALL });
}

/** E.164: `+`, country code, digits only. Numbers without a country code are German. */
function normaliseNumber(text: string): string {
  const digits = text.replaceAll(/\D/g, '');
  if (text.startsWith('+')) return `+${digits}`;
  if (digits.startsWith('00')) return `+${digits.slice(2)}`;
  return digits.startsWith('0') ? `+49${digits.slice(1)}` : digits;
}

/** 1 (bad) to 4.5 (excellent), from the simplified E-model. */
function meanOpinionScore({ lossPercent, jitterMs, delayMs }: Call, codec: string): number {
  const [base, lossFactor] = CODEC_IMPAIRMENT[codec] ?? [15, 20];
  const delay = delayMs + 2 * jitterMs;
  const delayImpairment = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
  const lossImpairment = base + ((95 - base) * lossPercent) / (lossPercent + lossFactor);
  const rating = Math.max(0, Math.min(100, 93.2 - delayImpairment - lossImpairment));
  const score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6;
  return Math.round(Math.max(1, score) * 100) / 100;
}

/** 0 to 1: a small logistic model over length, hour and digits that repeat. */
function suspicion({ callee, seconds, startedAt }: Call): number {
  const digits = new Set(callee).size;
  const hour = startedAt.getUTCHours();
  const night = hour < 5 || hour > 22 ? 1 : 0;
  const logit = -3 + 0.8 * night + 0.35 * Math.max(0, 8 - digits) + 0.4 * Math.log1p(seconds / 60);
  return Math.round(1000 / (1 + Math.exp(-logit))) / 1000;
}
