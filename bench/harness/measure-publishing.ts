/**
 * The publish scenario's contenders export `start` as all others do, made of what opens their connection: time and CPU
 * are taken here, the same for all of them.
 *
 *     open ──▶ connected │ publish() ──▶ the last confirm has resolved │ close()
 *                        └────────── time and CPU of the process ──────┘
 */
import type { ContenderJob, ContenderModule, ForeignReport } from '../contenders/contender.ts';
import { nowMs } from './clock.ts';
import { type Signature, signatureAt } from './message-source.ts';

export interface OpenPublisher {
  /**
   * Publishes every payload; resolves when the broker has confirmed all, rejects when it refused one.
   * @param onProgress - for those that do not take the payloads
   */
  publish(payloads: Iterable<Signature>, onProgress: (published: number) => void): Promise<void>;
  close(): Promise<void>;
}

/** Makes each payload when it is asked for, as a user's code does. */
function* payloadsOf(job: ContenderJob, onTaken: (count: number) => void): Generator<Signature> {
  for (let index = 0; index < job.messages; index++) {
    onTaken(index);
    yield signatureAt(job.seed, index);
  }
}

export function measurePublishing(open: (job: ContenderJob) => Promise<OpenPublisher>): ContenderModule['start'] {
  return async (job) => {
    const publisher = await open(job);
    let published = 0;
    const onProgress = (count: number): void => {
      published = count;
    };
    const run = async (): Promise<ForeignReport> => {
      const payloads = payloadsOf(job, onProgress);
      const startMs = nowMs();
      const startCpu = process.cpuUsage();
      await publisher.publish(payloads, onProgress);
      const endMs = nowMs();
      const cpu = process.cpuUsage(startCpu);
      return { startMs, endMs, cpuMicros: cpu.user + cpu.system, acked: job.messages };
    };
    return {
      foreign: { acked: () => published, report: run() },
      latency: () => undefined,
      stop: () => publisher.close(),
    };
  };
}

export function windowOf(job: ContenderJob): number {
  if (job.window === undefined) throw new Error('a publisher needs --window');
  return job.window;
}
