import { median } from '../harness/statistics.ts';
import { endToEnd } from './end-to-end.ts';
import type { Bench } from './scenario.ts';

const MESSAGES = 50_000;
const LOOKS = 3;
/** Unconfirmed at once: more do not make the broker faster. */
const WINDOW = 1000;

/** Messages a second that publishers reach who keep the broker busy, with the fastest consumer reading at once. */
async function publishingRate(bench: Bench): Promise<number> {
  const rates: number[] = [];
  for (let round = 1; round <= LOOKS; round++) {
    const turn = { round, contender: 'bare-reader', seed: bench.options.seed };
    const { result } = await endToEnd(bench, turn, MESSAGES, { kind: 'awaiting', publishers: WINDOW });
    rates.push(MESSAGES / result.seconds);
  }
  return median(rates);
}

/** How fast messages arrive in this run, undefined where no clock says so. Measured once, so the same for all contenders. */
export async function arrivalRateOf(bench: Bench, say: (text: string) => void): Promise<number | undefined> {
  const { arrivalRate, arrivalShare } = bench.options.parameters;
  if (arrivalShare === undefined) return arrivalRate;
  const most = await publishingRate(bench);
  const rate = Math.round((most * arrivalShare) / 100);
  say(`publishing allows ${Math.round(most)} msg/s; ${arrivalShare} % of it: ${rate} msg/s`);
  return rate;
}
