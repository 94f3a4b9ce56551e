/** The plain limit, in C (native/drain.c): starts its process and takes what it reports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { targetOf } from '../harness/raw-amqp.ts';
import type { ContenderJob, ForeignReport, RunningContender } from './contender.ts';

/** Built by harness/native.ts. */
const PROGRAM = fileURLToPath(new URL('./native/drain', import.meta.url));
const DEFAULT_PREFETCH = 2000;
const DEFAULT_ACK_EVERY = 250;

export async function start(job: ContenderJob): Promise<RunningContender> {
  const { host, port, user, password, vhost } = targetOf(job.amqpUrl);
  const prefetch = job.prefetch === 'auto' ? DEFAULT_PREFETCH : job.prefetch;
  const ackEvery = job.batch === 'auto' ? DEFAULT_ACK_EVERY : job.batch;
  const args = [host, port, user, password, vhost, job.queue, job.messages, prefetch, ackEvery];
  const program = spawn(PROGRAM, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: program.stdout });
  const exited = once(program, 'exit').then(([code, signal]: unknown[]) => {
    throw new Error(`the C reader ended without a report (${String(signal ?? code)})`);
  });
  let acked = 0;
  let ended = false;
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => line === 'ready' && resolve());
  });
  const report = new Promise<ForeignReport>((resolve) => {
    lines.on('line', (line) => {
      if (line.startsWith('acked ')) acked = Number(line.slice('acked '.length));
      else if (line.startsWith('{')) {
        ended = true;
        resolve(JSON.parse(line) as ForeignReport);
      }
    });
  });
  const reported = Promise.race([report, exited]);
  reported.catch(() => {}); // the harness waits for it; until then an early exit is told by `ready`
  await Promise.race([ready, exited]);
  return {
    foreign: { acked: () => acked, report: reported },
    latency: () => undefined,
    async stop() {
      if (!ended) program.kill();
      if (program.exitCode === null && program.signalCode === null) await once(program, 'exit');
    },
  };
}
