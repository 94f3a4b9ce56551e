import { setTimeout as wait } from 'node:timers/promises';
import type { PlannedFault } from './fault-plan.ts';
import { SOAK_FAULTS } from './faults.ts';
import type { SoakRig } from './soak-rig.ts';

/** One fault of the run. */
export interface InjectedFault {
  readonly kind: string;
  /** Seconds after the start. */
  readonly atSeconds: number;
  readonly seconds: number;
  /** What has shown that it happened; undefined where nothing has. */
  readonly evidence: string | undefined;
  /** Why not. */
  readonly problem: string | undefined;
}

const GAP_MS = 300;

/** Injects the faults of a plan one after the other, each not before its time. */
export class FaultRunner {
  readonly #rig: SoakRig;
  readonly #plan: readonly PlannedFault[];
  readonly injected: InjectedFault[] = [];
  #now: string | undefined;

  constructor(rig: SoakRig, plan: readonly PlannedFault[]) {
    this.#rig = rig;
    this.#plan = plan;
  }

  /** The fault that is going on. */
  get current(): string | undefined {
    return this.#now;
  }

  /** Resolves when all are over, or at the end of the one during which `signal` aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const elapsed = (): number => (performance.now() - startedAt) / 1_000;
    for (const { kind, atSeconds } of this.#plan) {
      await wait(Math.max(GAP_MS, (atSeconds - elapsed()) * 1_000), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      this.#now = kind;
      this.injected.push(await this.#inject(kind, elapsed));
      this.#now = undefined;
    }
  }

  async #inject(kind: string, elapsed: () => number): Promise<InjectedFault> {
    const atSeconds = elapsed();
    const fault = SOAK_FAULTS.find((each) => each.kind === kind);
    let evidence: string | undefined;
    let problem: string | undefined;
    try {
      evidence = await fault?.inject(this.#rig);
    } catch (error) {
      problem = String(error).slice(0, 1_000);
      await this.#repair();
    }
    return { kind, atSeconds, seconds: elapsed() - atSeconds, evidence, problem };
  }

  /** After a fault that broke off half way: servers run, links pass everything on. */
  async #repair(): Promise<void> {
    const { rabbit, mongo, workerLink, storeLink, producerLink } = this.#rig;
    rabbit.thaw();
    mongo.thaw();
    await Promise.all([rabbit.start(), mongo.start()]);
    for (const link of [workerLink, storeLink, producerLink]) {
      link.slice(Infinity);
      link.throttle(Infinity);
      await link.resume();
    }
  }
}
