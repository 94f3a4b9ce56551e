import type { SeededRandom } from '../../test/support/fault-seed.ts';
import {
  type ProcessEnd,
  type WorkerOptions,
  WorkerProcess,
  type WorkerSetting,
  type WorkerStats,
} from '../../test/support/worker-process.ts';

/** Counters of all workers together, those that are gone included. */
export interface CrewTotals {
  readonly succeeded: number;
  readonly acked: number;
  readonly retried: number;
  /** Put back for a while with no attempt counted. */
  readonly waited: number;
  readonly redelivered: number;
  readonly deadLettered: number;
  readonly reruns: number;
  /** Threads that ended. */
  readonly exits: number;
  readonly reconnects: number;
}

const COUNTED = [
  'succeeded',
  'acked',
  'retried',
  'waited',
  'redelivered',
  'deadLettered',
  'reruns',
  'exits',
  'reconnects',
] as const;
const KEPT_ERRORS = 4_000;

/** One place of the crew: whoever works there now. */
interface Place {
  worker: WorkerProcess;
  /** Its end is ours. */
  ending: boolean;
}

/**
 * Keeps so many worker processes running: one that a fault has ended is replaced, one that ends of itself too, and that
 * is written down as a problem.
 */
export class WorkerCrew {
  readonly #options: WorkerOptions;
  readonly #setting: WorkerSetting;
  readonly #places: Place[] = [];
  readonly #gone: Record<(typeof COUNTED)[number], number> = {
    succeeded: 0,
    acked: 0,
    retried: 0,
    waited: 0,
    redelivered: 0,
    deadLettered: 0,
    reruns: 0,
    exits: 0,
    reconnects: 0,
  };
  #stopped = false;
  #starts = 0;
  /** Workers that ended and nobody had told them to. */
  readonly problems: string[] = [];

  constructor(options: WorkerOptions, setting: WorkerSetting) {
    this.#options = options;
    this.#setting = setting;
  }

  async start(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const place: Place = { worker: await this.#newWorker(), ending: false };
      this.#places.push(place);
      this.#watch(place);
    }
  }

  get workers(): readonly WorkerProcess[] {
    return this.#places.map(({ worker }) => worker);
  }

  get starts(): number {
    return this.#starts;
  }

  get totals(): CrewTotals {
    const totals = { ...this.#gone };
    for (const { stats } of this.workers) for (const name of COUNTED) totals[name] += stats?.[name] ?? 0;
    return totals;
  }

  /** Messages that living workers hold at the moment. */
  get held(): number {
    const alive = this.workers.filter(({ ended }) => ended === undefined);
    return alive.reduce((sum, { stats }) => sum + (stats?.messagesHeld ?? 0), 0);
  }

  /** Ends one of them in a way of the caller's and puts another in its place; resolves when that one consumes. */
  async replace(random: SeededRandom, end: (worker: WorkerProcess) => Promise<ProcessEnd>): Promise<ProcessEnd> {
    const place = random.pick(this.#places);
    await place.worker.running(); // not while it starts: its end would say nothing
    place.ending = true;
    const how = await end(place.worker);
    await this.#refill(place);
    return how;
  }

  /** Resolves when the condition holds for one of them, or for all. */
  async until(what: string, condition: (stats: WorkerStats) => boolean, who: 'one' | 'all' = 'all'): Promise<void> {
    const waits = this.workers.map((worker) => worker.until(what, (stats) => stats !== undefined && condition(stats)));
    for (const each of waits) each.catch(() => undefined); // told by the one that is waited for
    await (who === 'one' ? Promise.race(waits) : Promise.all(waits));
  }

  /** All drain. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const place of this.#places) place.ending = true;
    const ends = await Promise.all(this.workers.map((worker) => worker.terminate()));
    for (const [nth, { code }] of ends.entries())
      if (code !== 0) this.#problem(this.#places[nth]?.worker, 'did not drain at the end');
  }

  /** For the end of a run that failed. */
  async kill(): Promise<void> {
    this.#stopped = true;
    for (const place of this.#places) place.ending = true;
    await Promise.all(this.workers.map((worker) => worker.kill()));
  }

  #newWorker(): Promise<WorkerProcess> {
    this.#starts++;
    return WorkerProcess.start(this.#options, this.#setting);
  }

  #watch(place: Place): void {
    const { worker } = place;
    void worker.exited.then(async () => {
      if (place.ending || place.worker !== worker) return;
      this.#problem(worker, 'ended of itself');
      await this.#refill(place);
    });
  }

  async #refill(place: Place): Promise<void> {
    if (this.#stopped) return;
    for (;;) {
      try {
        const worker = await this.#newWorker();
        for (const name of COUNTED) this.#gone[name] += place.worker.stats?.[name] ?? 0;
        place.worker = worker;
        break;
      } catch (error) {
        this.problems.push(`a worker did not start: ${String(error).slice(-KEPT_ERRORS)}`);
        if (this.#stopped) return;
      }
    }
    place.ending = false;
    this.#watch(place);
  }

  #problem(worker: WorkerProcess | undefined, what: string): void {
    this.problems.push(`a worker ${what}: ${worker?.ended}\n${worker?.errors.slice(-KEPT_ERRORS)}`);
  }
}
