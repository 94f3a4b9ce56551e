/** What both contenders written by hand have: a pool whose threads all run before anything is measured, and their end. */
import { Piscina } from 'piscina';
import type { Consumer } from '../../src/broker/broker.ts';
import type { ContenderJob, RunningContender } from './contender.ts';

type PoolOptions = Pick<NonNullable<ConstructorParameters<typeof Piscina>[0]>, 'atomics' | 'concurrentTasksPerWorker'>;

/** Resolves when as many threads as the job says are ready. */
export async function openPool<Task>(
  job: ContenderJob,
  threadFile: URL,
  options: PoolOptions = {},
): Promise<Piscina<Task, void>> {
  const threads = job.threads === 'auto' ? 1 : job.threads;
  const pool = new Piscina<Task, void>({
    ...options,
    filename: threadFile.href,
    minThreads: threads,
    maxThreads: threads,
  });
  let ready = 0;
  await new Promise<void>((resolve) => {
    pool.on('workerCreate', () => {
      if (++ready === threads) resolve();
    });
  });
  return pool;
}

export function consumingWith(pool: Pick<Piscina, 'close'>, consumer: Consumer): RunningContender {
  return {
    latency: () => undefined,
    async stop() {
      await consumer.close();
      await pool.close();
    },
  };
}
